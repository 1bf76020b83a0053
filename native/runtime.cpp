// Process-wide state: errors, threads, seeds, grad mode, autocast, devices.
#include "abi.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <string>

namespace understudy {

std::atomic<int64_t> live_tensors{0};

namespace {
thread_local std::string last_message;
thread_local std::string last_details;
}  // namespace

void set_error(const std::exception& error) noexcept {
    try {
        last_details = error.what();
        const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
        last_message = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
    } catch (...) {
        last_message.clear();
        last_details.clear();
    }
}

void set_error(const char* text) noexcept {
    try {
        last_message = text;
        last_details = text;
    } catch (...) {
        last_message.clear();
    }
}

at::Scalar to_scalar(NativeScalar value) {
    switch (value.kind) {
        case 0:
            return at::Scalar(value.bits);
        case 1: {
            double number;
            std::memcpy(&number, &value.bits, sizeof(number));
            return at::Scalar(number);
        }
        case 2:
            return at::Scalar(value.bits != 0);
        default:
            TORCH_CHECK(false, "a scalar of unknown kind ", value.kind, " reached the native library");
    }
}

}  // namespace understudy

using namespace understudy;

UNDERSTUDY_API const char* understudy_last_error() { return last_message.c_str(); }
UNDERSTUDY_API const char* understudy_last_error_details() { return last_details.c_str(); }
UNDERSTUDY_API const char* understudy_torch_version() { return TORCH_VERSION; }
UNDERSTUDY_API int64_t understudy_live_tensors() { return live_tensors.load(std::memory_order_relaxed); }

UNDERSTUDY_API int32_t understudy_set_num_threads(int32_t threads) {
    return status_of([&] { at::set_num_threads(threads); });
}

UNDERSTUDY_API int32_t understudy_get_num_threads() { return at::get_num_threads(); }

UNDERSTUDY_API int32_t understudy_manual_seed(uint64_t seed) {
    return status_of([&] { at::manual_seed(seed); });
}

UNDERSTUDY_API int32_t understudy_cuda_device_count() {
    try {
        return at::hasCUDA() ? static_cast<int32_t>(at::detail::getCUDAHooks().getNumGPUs()) : 0;
    } catch (...) {
        return 0;
    }
}

UNDERSTUDY_API int32_t understudy_set_grad_enabled(int32_t enabled) {
    const bool previous = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled != 0);
    return previous ? 1 : 0;
}

UNDERSTUDY_API int32_t understudy_is_grad_enabled() { return c10::GradMode::is_enabled() ? 1 : 0; }

// Autocast. 2.4 replaced one pair of functions per device by one that takes the device.
namespace {

bool autocast_enabled(c10::DeviceType device) {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    return at::autocast::is_autocast_enabled(device);
#else
    return device == c10::DeviceType::CPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
#endif
}

void set_autocast(c10::DeviceType device, bool enabled, at::ScalarType dtype) {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    at::autocast::set_autocast_dtype(device, dtype);
    at::autocast::set_autocast_enabled(device, enabled);
#else
    if (device == c10::DeviceType::CPU) {
        at::autocast::set_autocast_cpu_dtype(dtype);
        at::autocast::set_cpu_enabled(enabled);
    } else {
        at::autocast::set_autocast_gpu_dtype(dtype);
        at::autocast::set_enabled(enabled);
    }
#endif
}

}  // namespace

// Returns whether autocast was on before, or -1. Every enter is matched by one exit with that value.
UNDERSTUDY_API int32_t understudy_autocast_enter(int32_t device_type, int32_t enabled, int32_t dtype) {
    bool previous = false;
    const auto status = status_of([&] {
        const auto device = static_cast<c10::DeviceType>(device_type);
        previous = autocast_enabled(device);
        set_autocast(device, enabled != 0, static_cast<at::ScalarType>(dtype));
        at::autocast::increment_nesting();
    });
    return status < 0 ? -1 : (previous ? 1 : 0);
}

UNDERSTUDY_API int32_t understudy_autocast_exit(int32_t device_type, int32_t previous, int32_t dtype) {
    return status_of([&] {
        // The casts of the weights are cached for the outermost scope only: an optimiser step must not see stale ones.
        if (at::autocast::decrement_nesting() == 0) {
            at::autocast::clear_cache();
        }
        set_autocast(static_cast<c10::DeviceType>(device_type), previous != 0, static_cast<at::ScalarType>(dtype));
    });
}
