// What autocast asks of a kernel on the CPU.
#pragma once

#include "abi.h"

#include <ATen/autocast_mode.h>

namespace understudy {

// Whether matrix products are to be taken in bfloat16 now.
inline bool casts_to_bfloat16() {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    return at::autocast::is_autocast_enabled(at::kCPU) && at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16;
#else
    return at::autocast::is_cpu_enabled() && at::autocast::get_autocast_cpu_dtype() == at::kBFloat16;
#endif
}

// The type that x is multiplied in.
inline at::ScalarType multiplied_type(const at::Tensor& x) {
    return casts_to_bfloat16() ? at::kBFloat16 : x.scalar_type();
}

}  // namespace understudy
