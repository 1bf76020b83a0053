// The activation functions of transformer models, alone and times the other half of a gated layer (Shazeer, arXiv
// 2002.05202), with their gradients: the Gaussian error linear unit (Hendrycks and Gimpel, arXiv 1606.08415), exact and
// by tanh, and the sigmoid linear unit. Where numbers have 16 bits, no more digits are computed than they hold.
//
// libtorch 1.13 over this, forward and backward at [1024, 2048] on two Zen 4 cores: GELU 2.4 (bfloat16) and 1.6 (float32),
// by tanh 24 and 3.
#include "kernels/activations.h"

#include "abi.h"
#include "kernels/mixed.h"
#include "kernels/simd.h"
#include "profile.h"

#include <torch/csrc/autograd/custom_function.h>

#include <type_traits>

using namespace understudy;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

using Kind = ActivationKind;

constexpr const char* names[] = {"gelu", "gelu_tanh", "silu"};
constexpr const char* backward_names[] = {"gelu backward", "gelu_tanh backward", "silu backward"};

UNDERSTUDY_INLINE float clamped(float x, float size) {
    x = x < -size ? -size : x;
    return x > size ? size : x;
}

constexpr float finite = 87.0f;       // e to this and to its negative are numbers
constexpr float to_infinity = 89.0f;  // exponential makes infinity of it: one part in infinity is nothing

// A function's value at x is x times `factor`; its slope there is `slope`. T is the type that x came in.
template <class T>
struct Gelu {
    struct Normal {
        float below;  // the cumulative distribution at x
        float peak;   // e**(-x*x/2)
    };

    // erfc(z) = e**(-z*z) t q(t) with t = 1 / (1 + p z), the form of Abramowitz and Stegun 7.1.26; q is the polynomial of
    // the least relative error on [0, 7]: 6e-8 with 8 terms, 4e-4 with the 4 that are enough for 8 bits.
    UNDERSTUDY_INLINE static Normal normal(float x) {
        const float near = clamped(x, 14.0f);
        const float z = 0.70710678118654752f * (near < 0 ? -near : near);
        const float peak = exponential(-0.5f * near * near);
        float q;
        float t;
        if (std::is_same<T, float>::value) {
            t = 1.0f / (1.0f + 0.3275911f * z);
            q = -0.1444754324f;
            q = q * t + 0.5110150719f;
            q = q * t - 0.4314413297f;
            q = q * t + 0.4777733545f;
            q = q * t + 0.01173252104f;
            q = q * t + 0.2103300289f;
            q = q * t + 0.1799571117f;
            q = q * t + 0.1851086176f;
        } else {
            t = 1.0f / (1.0f + 0.4f * z);
            q = 0.5763507145f;
            q = q * t - 0.1250957453f;
            q = q * t + 0.3352932647f;
            q = q * t + 0.2130395142f;
        }
        // Beyond, times the largest numbers, it would still count.
        const float tail = z > 9.8f ? 0.0f : 0.5f * q * t * peak;
        return {x < 0 ? tail : 1.0f - tail, peak};
    }

    UNDERSTUDY_INLINE static float factor(float x) { return normal(x).below; }

    UNDERSTUDY_INLINE static float slope(float x) {
        const auto at = normal(x);
        return at.below + clamped(x, 14.0f) * 0.3989422804f * at.peak;
    }
};

template <class T>
struct GeluTanh {
    // (1 + tanh(u)) / 2 is the logistic function of 2 u.
    UNDERSTUDY_INLINE static float exponent(float near, float size) {
        return exponential(clamped(-1.5957691216f * (near + 0.044715f * near * near * near), size));
    }

    UNDERSTUDY_INLINE static float factor(float x) { return 1.0f / (1.0f + exponent(clamped(x, 14.0f), to_infinity)); }

    UNDERSTUDY_INLINE static float slope(float x) {
        const float near = clamped(x, 14.0f);
        const float e = exponent(near, finite);
        const float logistic = 1.0f / (1.0f + e);
        return logistic + near * (e * logistic) * logistic * (1.5957691216f + 0.2140644488f * near * near);
    }
};

template <class T>
struct Silu {
    UNDERSTUDY_INLINE static float factor(float x) { return 1.0f / (1.0f + exponential(clamped(-x, to_infinity))); }

    UNDERSTUDY_INLINE static float slope(float x) {
        const float near = clamped(x, finite);
        const float e = exponential(-near);
        const float logistic = 1.0f / (1.0f + e);
        return logistic + near * (e * logistic) * logistic;
    }
};

template <class F, class T>
UNDERSTUDY_INLINE void forward_block(const T* x, const T* gated, T* y, int64_t count) {
    if (gated == nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            const float value = load(x, i);
            store(y, i, value * F::factor(value));
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            const float value = load(x, i);
            store(y, i, value * F::factor(value) * load(gated, i));
        }
    }
}

template <class F, class T>
UNDERSTUDY_INLINE void backward_block(const T* x, const T* gated, const T* upstream, T* for_x, T* for_gated, int64_t count) {
    if (gated == nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            store(for_x, i, load(upstream, i) * F::slope(load(x, i)));
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            const float value = load(x, i);
            const float arriving = load(upstream, i);
            store(for_x, i, arriving * load(gated, i) * F::slope(value));
            store(for_gated, i, arriving * value * F::factor(value));
        }
    }
}

#define BLOCKS(F, T)                                                                                                   \
    UNDERSTUDY_SIMD void forward_block_of(F<T>, const T* x, const T* gated, T* y, int64_t count) {                     \
        forward_block<F<T>>(x, gated, y, count);                                                                       \
    }                                                                                                                  \
    UNDERSTUDY_SIMD void backward_block_of(F<T>, const T* x, const T* gated, const T* upstream, T* for_x,              \
                                           T* for_gated, int64_t count) {                                              \
        backward_block<F<T>>(x, gated, upstream, for_x, for_gated, count);                                             \
    }
BLOCKS(Gelu, float)
BLOCKS(Gelu, c10::BFloat16)
BLOCKS(GeluTanh, float)
BLOCKS(GeluTanh, c10::BFloat16)
BLOCKS(Silu, float)
BLOCKS(Silu, c10::BFloat16)
#undef BLOCKS

// Calls work(function, type) with the function's class for a type.
template <class Work>
void with_function(Kind kind, at::ScalarType type, Work&& work) {
    const auto chosen = [&](auto element) {
        using T = decltype(element);
        switch (kind) {
            case Kind::gelu:
                return work(Gelu<T>(), element);
            case Kind::gelu_tanh:
                return work(GeluTanh<T>(), element);
            case Kind::silu:
                return work(Silu<T>(), element);
        }
    };
    type == at::kBFloat16 ? chosen(c10::BFloat16()) : chosen(0.0f);
}

constexpr int64_t grain = 16384;

// gated: undefined, or the other half of a gated layer.
at::Tensor activated(Kind kind, const at::Tensor& x, const at::Tensor& gated) {
    auto y = at::empty(x.sizes(), x.options());
    const Measured measured(names[static_cast<int>(kind)], 20.0 * static_cast<double>(x.numel()),
                            static_cast<double>(x.nbytes()) * (gated.defined() ? 3 : 2));
    with_function(kind, x.scalar_type(), [&](auto function, auto element) {
        using T = decltype(element);
        const auto* from = x.data_ptr<T>();
        const auto* other = gated.defined() ? gated.data_ptr<T>() : nullptr;
        auto* to = y.data_ptr<T>();
        at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
#if UNDERSTUDY_X86
            if (isa() == Isa::avx512_bf16) {
                return activate_avx512(kind, from + begin, other == nullptr ? nullptr : other + begin, to + begin, end - begin);
            }
#endif
            forward_block_of(function, from + begin, other == nullptr ? nullptr : other + begin, to + begin, end - begin);
        });
    });
    return y;
}

class Activation : public torch::autograd::Function<Activation> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Optional<at::Tensor>& gated, int64_t kind) {
        context->save_for_backward({x, gated.value_or(at::Tensor())});
        context->saved_data["kind"] = kind;
        return activated(static_cast<Kind>(kind), x, gated.value_or(at::Tensor()));
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const auto kind = static_cast<Kind>(context->saved_data["kind"].toInt());
        const auto& x = saved[0];
        const auto& gated = saved[1];
        const auto arriving = upstream[0].contiguous();
        auto for_x = at::empty(x.sizes(), x.options());
        auto for_gated = gated.defined() ? at::empty(x.sizes(), x.options()) : at::Tensor();
        const Measured measured(backward_names[static_cast<int>(kind)], 25.0 * static_cast<double>(x.numel()),
                                static_cast<double>(x.nbytes()) * (gated.defined() ? 5 : 3));
        with_function(kind, x.scalar_type(), [&](auto function, auto element) {
            using T = decltype(element);
            const auto* from = x.data_ptr<T>();
            const auto* up = arriving.data_ptr<T>();
            const auto* other = gated.defined() ? gated.data_ptr<T>() : nullptr;
            auto* to = for_x.data_ptr<T>();
            auto* to_other = gated.defined() ? for_gated.data_ptr<T>() : nullptr;
            at::parallel_for(0, x.numel(), grain, [&](int64_t begin, int64_t end) {
#if UNDERSTUDY_X86
                if (isa() == Isa::avx512_bf16) {
                    return activate_backward_avx512(kind, from + begin, other == nullptr ? nullptr : other + begin, up + begin,
                                                    to + begin, other == nullptr ? nullptr : to_other + begin, end - begin);
                }
#endif
                backward_block_of(function, from + begin, other == nullptr ? nullptr : other + begin, up + begin, to + begin,
                                  other == nullptr ? nullptr : to_other + begin, end - begin);
            });
        });
        return {for_x, for_gated, at::Tensor()};
    }
};

at::Tensor composed(Kind kind, const at::Tensor& x) {
    return kind == Kind::silu ? at::silu(x) : kind == Kind::gelu_tanh ? at::gelu(x, "tanh") : at::gelu(x);
}

at::Tensor activation(Kind kind, const at::Tensor& x, const Optional<at::Tensor>& gated) {
    const auto fits = [&](const at::Tensor& tensor) { return is_fusible(tensor) && tensor.is_contiguous() && tensor.scalar_type() == x.scalar_type(); };
    if (!fits(x) || (gated.has_value() && (!fits(*gated) || gated->sizes() != x.sizes()))) {
        const auto y = composed(kind, x);
        return gated.has_value() ? y * *gated : y;
    }
    const auto other = gated.value_or(at::Tensor());
    return needs_gradient({&x, &other}) ? Activation::apply(x, gated, static_cast<int64_t>(kind)) : activated(kind, x, other);
}

}  // namespace

UNDERSTUDY_API Handle understudy_gelu(ConstHandle x, int32_t tanh_approximation) {
    return tensor_of([&] { return activation(tanh_approximation != 0 ? Kind::gelu_tanh : Kind::gelu, *x, none); });
}

UNDERSTUDY_API Handle understudy_silu(ConstHandle x) {
    return tensor_of([&] { return activation(Kind::silu, *x, none); });
}

// kind(x) * gated, of one shape.
UNDERSTUDY_API Handle understudy_gated_activation(ConstHandle x, ConstHandle gated, int32_t kind) {
    return tensor_of([&] {
        TORCH_CHECK(kind >= 0 && kind <= 2, "expected a kind of activation from 0 to 2, found ", kind);
        return activation(static_cast<Kind>(kind), *x, *gated);
    });
}
