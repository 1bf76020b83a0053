// Rotary position embedding in one pass: composed of library operations it is seven passes over queries and keys, of
// tensors so small that the calls cost more than the arithmetic.
#include "abi.h"
#include "kernels/simd.h"

#include <torch/csrc/autograd/custom_function.h>

using namespace understudy;

namespace {

template <class T>
UNDERSTUDY_INLINE void rotate_row(const T* x, T* y, const float* cosine, const float* sine, int64_t half, int64_t width,
                       float direction) {
#pragma omp simd
    for (int64_t i = 0; i < half; i++) {
        const float first = load(x, i);
        const float second = load(x, i + half);
        store(y, i, first * cosine[i] - direction * second * sine[i]);
        store(y, i + half, second * cosine[i] + direction * first * sine[i]);
    }
    for (int64_t i = 2 * half; i < width; i++) {
        y[i] = x[i];
    }
}

UNDERSTUDY_SIMD void rotate_row_of(const float* x, float* y, const float* cosine, const float* sine, int64_t half,
                                   int64_t width, float direction) {
    rotate_row(x, y, cosine, sine, half, width, direction);
}
UNDERSTUDY_SIMD void rotate_row_of(const c10::BFloat16* x, c10::BFloat16* y, const float* cosine, const float* sine,
                                   int64_t half, int64_t width, float direction) {
    rotate_row(x, y, cosine, sine, half, width, direction);
}

template <class T>
void rotate_all(const at::Tensor& x, at::Tensor& y, const at::Tensor& cosine, const at::Tensor& sine,
                float direction) {
    const auto heads = x.size(1);
    const auto tokens = x.size(2);
    const auto width = x.size(3);
    const auto rotated = cosine.size(3);
    const auto table_stride = cosine.size(0) == 1 ? 0 : tokens * rotated;
    const auto* from = x.data_ptr<T>();
    auto* to = y.data_ptr<T>();
    const auto* cosines = cosine.data_ptr<float>();
    const auto* sines = sine.data_ptr<float>();
    const auto s0 = x.stride(0);
    const auto s1 = x.stride(1);
    const auto s2 = x.stride(2);
    at::parallel_for(0, x.size(0) * heads * tokens, 256, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; row++) {
            const auto token = row % tokens;
            const auto head = row / tokens % heads;
            const auto batch = row / tokens / heads;
            const auto at = batch * table_stride + token * rotated;
            rotate_row_of(from + batch * s0 + head * s1 + token * s2, to + row * width, cosines + at, sines + at,
                          rotated / 2, width, direction);
        }
    });
}

at::Tensor rotate(const at::Tensor& input, const at::Tensor& cosine, const at::Tensor& sine, float direction) {
    const auto x = input.stride(3) == 1 ? input : input.contiguous();
    auto y = at::empty(x.sizes(), x.options());
    if (x.scalar_type() == at::kBFloat16) {
        rotate_all<c10::BFloat16>(x, y, cosine, sine, direction);
    } else {
        rotate_all<float>(x, y, cosine, sine, direction);
    }
    return y;
}

// The rotation is orthogonal: its gradient is the rotation back.
class Rotary : public torch::autograd::Function<Rotary> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                              const at::Tensor& sine) {
        context->save_for_backward({cosine, sine});
        return rotate(x, cosine, sine, 1.0f);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        const auto saved = context->get_saved_variables();
        return {rotate(upstream[0], saved[0], saved[1], -1.0f), at::Tensor(), at::Tensor()};
    }
};

// The same by library operations, for other devices and types.
at::Tensor composed(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
    const auto rotated = cosine.size(3);
    const auto first = x.narrow(3, 0, rotated / 2);
    const auto second = x.narrow(3, rotated / 2, rotated / 2);
    const auto turned = x.narrow(3, 0, rotated) * cosine.to(x.scalar_type()) +
                        at::cat({-second, first}, 3) * sine.to(x.scalar_type());
    return at::cat({turned, x.narrow(3, rotated, x.size(3) - rotated)}, 3);
}

}  // namespace

UNDERSTUDY_API Handle understudy_rotary_embedding(ConstHandle x, ConstHandle cosine, ConstHandle sine) {
    return tensor_of([&]() -> at::Tensor {
        TORCH_CHECK(x->dim() == 4 && cosine->dim() == 4 && cosine->sizes() == sine->sizes(),
                    "expected x [batch, heads, tokens, head_dim] and two tables of one shape, found ", x->sizes(), ", ",
                    cosine->sizes(), " and ", sine->sizes());
        TORCH_CHECK(cosine->size(3) <= x->size(3) && cosine->size(3) % 2 == 0 && cosine->size(2) == x->size(2) &&
                        cosine->size(1) == 1 && (cosine->size(0) == 1 || cosine->size(0) == x->size(0)),
                    "expected tables [", x->size(0), " or 1, 1, ", x->size(2), ", an even number of at most ",
                    x->size(3), "], found ", cosine->sizes());
        if (cosine->size(3) == 0) {
            return *x;
        }
        const bool fused = x->device().is_cpu() && cosine->scalar_type() == at::kFloat &&
                           (x->scalar_type() == at::kFloat || x->scalar_type() == at::kBFloat16);
        return fused ? Rotary::apply(*x, cosine->contiguous(), sine->contiguous()) : composed(*x, *cosine, *sine);
    });
}
