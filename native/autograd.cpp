// Gradients.
#include "abi.h"
#include "checkpoint.h"

using namespace understudy;

UNDERSTUDY_API int32_t understudy_requires_grad(ConstHandle x) { return x->requires_grad() ? 1 : 0; }

UNDERSTUDY_API int32_t understudy_set_requires_grad(Handle x, int32_t value) {
    return status_of([&] { x->set_requires_grad(value != 0); });
}

// -1 with *exception set: .NET code that was called back threw; the handle is the caller's.
UNDERSTUDY_API int32_t understudy_backward(ConstHandle x, ConstHandle gradient, void** exception) {
    *exception = nullptr;
    return status_of([&] {
        try {
            x->backward(optional(gradient).value_or(at::Tensor()));
        } catch (const ManagedException& thrown) {
            *exception = thrown.take();
            throw;
        }
    });
}

UNDERSTUDY_API Handle understudy_detach(ConstHandle x) {
    return tensor_of([&] { return x->detach(); });
}

// 1 when a gradient has been accumulated, else 0.
UNDERSTUDY_API int32_t understudy_has_grad(ConstHandle x) { return x->grad().defined() ? 1 : 0; }

UNDERSTUDY_API Handle understudy_grad(ConstHandle x) {
    return tensor_of([&] {
        TORCH_CHECK(x->grad().defined(), "this tensor has no gradient: call backward() first");
        return x->grad();
    });
}

UNDERSTUDY_API int32_t understudy_set_grad(Handle x, ConstHandle gradient) {
    return status_of([&] { x->mutable_grad() = optional(gradient).value_or(at::Tensor()); });
}
