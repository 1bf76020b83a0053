// What types the fused kernels read and write in mixed precision.
#pragma once

#include "kernels/autocast.h"

#include <c10/core/GradMode.h>

namespace understudy {

// The type that a matrix product on the CPU takes its left side in: 16 bit where autocast says so, else x's.
inline at::ScalarType product_type(at::ScalarType x) {
    return x == at::kFloat || x == at::kBFloat16 ? autocast_type(at::kCPU).value_or(x) : x;
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
