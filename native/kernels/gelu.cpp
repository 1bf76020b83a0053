// The exact Gaussian error linear unit (Hendrycks and Gimpel, arXiv 1606.08415) and its gradient for 16-bit tensors.
// libtorch's vectorised erf is accurate to more digits than bfloat16 has, and its backward takes two of them.
#include "kernels/gelu.h"
#include "kernels/simd.h"

#include <torch/csrc/autograd/custom_function.h>

namespace understudy {

namespace {

struct Normal {
    float below;    // the cumulative distribution at x
    float density;
};

// Abramowitz and Stegun 7.1.26: erf to 1.5e-7, with the exponential that the density needs anyway.
UNDERSTUDY_INLINE Normal normal(float x) {
    const float size = x < 0 ? -x : x;
    const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678118654752f * size);
    const float e = exponential(-0.5f * x * x);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * e;
    return {x < 0 ? tail : 1.0f - tail, 0.3989422804f * e};
}

UNDERSTUDY_SIMD void forward_block(const c10::BFloat16* x, c10::BFloat16* y, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        const float value = load(x, i);
        store(y, i, value * normal(value).below);
    }
}

UNDERSTUDY_SIMD void backward_block(const c10::BFloat16* x, const c10::BFloat16* upstream, c10::BFloat16* gradient,
                                    int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        const float value = load(x, i);
        const auto at = normal(value);
        store(gradient, i, load(upstream, i) * (at.below + value * at.density));
    }
}

class Gelu : public torch::autograd::Function<Gelu> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
        context->save_for_backward({x});
        auto y = at::empty_like(x);
        const auto* from = x.data_ptr<c10::BFloat16>();
        auto* to = y.data_ptr<c10::BFloat16>();
        at::parallel_for(0, x.numel(), 32768, [&](int64_t begin, int64_t end) {
            forward_block(from + begin, to + begin, end - begin);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        const auto x = context->get_saved_variables()[0];
        const auto arriving = upstream[0].contiguous();
        auto gradient = at::empty_like(x);
        const auto* from = x.data_ptr<c10::BFloat16>();
        const auto* up = arriving.data_ptr<c10::BFloat16>();
        auto* to = gradient.data_ptr<c10::BFloat16>();
        at::parallel_for(0, x.numel(), 32768, [&](int64_t begin, int64_t end) {
            backward_block(from + begin, up + begin, to + begin, end - begin);
        });
        return {gradient};
    }
};

}  // namespace

at::Tensor gelu(const at::Tensor& x) {
    const bool fused = x.device().is_cpu() && x.scalar_type() == at::kBFloat16 && x.is_contiguous();
    return fused ? Gelu::apply(x) : at::gelu(x);
}

}  // namespace understudy
