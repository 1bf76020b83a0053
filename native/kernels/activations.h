// The activation functions by AVX-512 intrinsics; activations.cpp has them as plain loops.
#pragma once

#include "kernels/isa.h"

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace understudy {

enum class ActivationKind : int32_t { gelu = 0, gelu_tanh = 1, silu = 2 };

#if UNDERSTUDY_X86

// y = f(x), times gated where that is not null. For Isa::avx512_bf16 only.
void activate_avx512(ActivationKind kind, const float* x, const float* gated, float* y, int64_t count);
void activate_avx512(ActivationKind kind, const c10::BFloat16* x, const c10::BFloat16* gated, c10::BFloat16* y, int64_t count);

// The gradients for x and, where there is one, for gated.
void activate_backward_avx512(ActivationKind kind, const float* x, const float* gated, const float* upstream, float* for_x,
                              float* for_gated, int64_t count);
void activate_backward_avx512(ActivationKind kind, const c10::BFloat16* x, const c10::BFloat16* gated,
                              const c10::BFloat16* upstream, c10::BFloat16* for_x, c10::BFloat16* for_gated, int64_t count);

#endif

}  // namespace understudy
