// Creating, describing and copying tensors.
#include "abi.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/Device.h>

#include <cstring>

using namespace understudy;

namespace {

at::TensorOptions options(int32_t dtype, int32_t device_type, int32_t device_index) {
    return at::TensorOptions()
        .dtype(static_cast<at::ScalarType>(dtype))
        .device(c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)));
}

}  // namespace

UNDERSTUDY_API void understudy_tensor_free(Handle tensor) {
    if (tensor != nullptr) {
        delete tensor;
        live_tensors.fetch_sub(1, std::memory_order_relaxed);
    }
}

UNDERSTUDY_API Handle understudy_empty(const int64_t* shape, int32_t dims, int32_t dtype, int32_t dev, int32_t index) {
    return tensor_of([&] { return at::empty(sizes(shape, dims), options(dtype, dev, index)); });
}

UNDERSTUDY_API Handle understudy_full(const int64_t* shape, int32_t dims, NativeScalar value, int32_t dtype,
                                      int32_t dev, int32_t index) {
    return tensor_of([&] { return at::full(sizes(shape, dims), to_scalar(value), options(dtype, dev, index)); });
}

UNDERSTUDY_API Handle understudy_arange(NativeScalar start, NativeScalar end, NativeScalar step, int32_t dtype,
                                        int32_t dev, int32_t index) {
    return tensor_of(
        [&] { return at::arange(to_scalar(start), to_scalar(end), to_scalar(step), options(dtype, dev, index)); });
}

// Copies `bytes` bytes: the caller's buffer is free afterwards.
UNDERSTUDY_API Handle understudy_from_data(const void* data, int64_t bytes, const int64_t* shape, int32_t dims,
                                           int32_t dtype) {
    return tensor_of([&] {
        auto tensor = at::empty(sizes(shape, dims), options(dtype, 0, -1));
        TORCH_CHECK(static_cast<int64_t>(tensor.nbytes()) == bytes, "expected ", tensor.nbytes(),
                    " bytes for this shape and type, found ", bytes);
        if (bytes > 0) {
            std::memcpy(tensor.data_ptr(), data, static_cast<size_t>(bytes));
        }
        return tensor;
    });
}

// Uses the caller's memory without a copy; release(context) is called once the last view of it is gone.
UNDERSTUDY_API Handle understudy_from_blob(void* data, const int64_t* shape, int32_t dims, int32_t dtype,
                                           void (*release)(void*), void* context) {
    return tensor_of([&] {
        return at::from_blob(data, sizes(shape, dims), [release, context](void*) { release(context); },
                             options(dtype, 0, -1));
    });
}

UNDERSTUDY_API int32_t understudy_copy_to(ConstHandle tensor, void* destination, int64_t bytes) {
    return status_of([&] {
        auto source = tensor->detach().to(at::kCPU).contiguous();
        TORCH_CHECK(static_cast<int64_t>(source.nbytes()) == bytes, "expected room for ", source.nbytes(),
                    " bytes, found ", bytes);
        if (bytes > 0) {
            std::memcpy(destination, source.data_ptr(), static_cast<size_t>(bytes));
        }
    });
}

UNDERSTUDY_API int32_t understudy_dim(ConstHandle tensor) { return static_cast<int32_t>(tensor->dim()); }
UNDERSTUDY_API int64_t understudy_numel(ConstHandle tensor) { return tensor->numel(); }
UNDERSTUDY_API int32_t understudy_dtype(ConstHandle tensor) { return static_cast<int32_t>(tensor->scalar_type()); }
UNDERSTUDY_API int32_t understudy_device_type(ConstHandle tensor) {
    return static_cast<int32_t>(tensor->device().type());
}
UNDERSTUDY_API int32_t understudy_device_index(ConstHandle tensor) { return tensor->device().index(); }
UNDERSTUDY_API int32_t understudy_is_contiguous(ConstHandle tensor) { return tensor->is_contiguous() ? 1 : 0; }
UNDERSTUDY_API void* understudy_data_ptr(ConstHandle tensor) { return tensor->data_ptr(); }

UNDERSTUDY_API void understudy_shape(ConstHandle tensor, int64_t* shape, int64_t* strides) {
    for (int64_t i = 0; i < tensor->dim(); i++) {
        shape[i] = tensor->size(i);
        strides[i] = tensor->stride(i);
    }
}

UNDERSTUDY_API int32_t understudy_item(ConstHandle tensor, double* value) {
    return status_of([&] { *value = tensor->item().toDouble(); });
}

UNDERSTUDY_API int32_t understudy_item_int64(ConstHandle tensor, int64_t* value) {
    return status_of([&] { *value = tensor->item().toLong(); });
}

UNDERSTUDY_API Handle understudy_to(ConstHandle tensor, int32_t dtype, int32_t dev, int32_t index, int32_t copy) {
    return tensor_of([&] { return tensor->to(options(dtype, dev, index), false, copy != 0); });
}

UNDERSTUDY_API Handle understudy_clone(ConstHandle tensor) {
    return tensor_of([&] { return tensor->clone(); });
}

UNDERSTUDY_API Handle understudy_contiguous(ConstHandle tensor) {
    return tensor_of([&] { return tensor->contiguous(); });
}

UNDERSTUDY_API Handle understudy_alias(ConstHandle tensor) {
    return tensor_of([&] { return *tensor; });
}

// Generators: an opaque at::Generator*, freed by its own function.
UNDERSTUDY_API void* understudy_generator_new(uint64_t seed) {
    try {
        return new at::Generator(at::detail::createCPUGenerator(seed));
    } catch (const std::exception& error) {
        set_error(error);
        return nullptr;
    }
}

UNDERSTUDY_API void understudy_generator_free(void* generator) { delete static_cast<at::Generator*>(generator); }

UNDERSTUDY_API int32_t understudy_generator_seed(void* generator, uint64_t seed) {
    return status_of([&] { static_cast<at::Generator*>(generator)->set_current_seed(seed); });
}

namespace {
Optional<at::Generator> generator_of(void* generator) {
    if (generator == nullptr) {
        return none;
    }
    return *static_cast<at::Generator*>(generator);
}
}  // namespace

UNDERSTUDY_API int32_t understudy_normal_(Handle tensor, double mean, double std, void* generator) {
    return status_of([&] { tensor->normal_(mean, std, generator_of(generator)); });
}

UNDERSTUDY_API int32_t understudy_uniform_(Handle tensor, double from, double to, void* generator) {
    return status_of([&] { tensor->uniform_(from, to, generator_of(generator)); });
}
