// What types the fused kernels read and write in mixed precision.
#pragma once

#include "abi.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>

namespace understudy {

// The type that a matrix product on the CPU takes its left side in: 16 bit where autocast says so, else x's.
inline at::ScalarType product_type(at::ScalarType x) {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    const bool lower = at::autocast::is_autocast_enabled(at::kCPU);
    const auto type = at::autocast::get_autocast_dtype(at::kCPU);
#else
    const bool lower = at::autocast::is_cpu_enabled();
    const auto type = at::autocast::get_autocast_cpu_dtype();
#endif
    return lower && (x == at::kFloat || x == at::kBFloat16) ? type : x;
}

// float32 or bfloat16 on the CPU: what the fused kernels compute.
inline bool is_fusible(const at::Tensor& x) {
    return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.numel() > 0;
}

inline bool needs_gradient(std::initializer_list<const at::Tensor*> inputs) {
    if (!c10::GradMode::is_enabled()) {
        return false;
    }
    for (const auto* input : inputs) {
        if (input->defined() && input->requires_grad()) {
            return true;
        }
    }
    return false;
}

}  // namespace understudy
