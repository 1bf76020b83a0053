// What autocast asks of a kernel.
#pragma once

#include "abi.h"

#include <ATen/autocast_mode.h>

namespace understudy {

// The type that matrix products on a device are to be taken in now; none where autocast is off.
inline Optional<at::ScalarType> autocast_type(at::DeviceType device) {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    if (!at::autocast::is_autocast_enabled(device)) {
        return none;
    }
    return at::autocast::get_autocast_dtype(device);
#else
    if (!(device == at::kCPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled())) {
        return none;
    }
    return device == at::kCPU ? at::autocast::get_autocast_cpu_dtype() : at::autocast::get_autocast_gpu_dtype();
#endif
}

// Whether matrix products on the CPU are to be taken in bfloat16 now.
inline bool casts_to_bfloat16() { return autocast_type(at::kCPU) == at::kBFloat16; }

// The type that x is multiplied in on the CPU.
inline at::ScalarType multiplied_type(const at::Tensor& x) {
    return casts_to_bfloat16() ? at::kBFloat16 : x.scalar_type();
}

}  // namespace understudy
