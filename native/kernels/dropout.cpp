// Dropout (Srivastava et al., JMLR 15), and the sum of a residual stream with what layers add to it, in one pass each.
// The mask comes from a seed and the place of an element: libtorch draws its masks one number after the other, on one
// thread, and keeps them; here the backward pass makes the mask again.
//
// libtorch 1.13 over this, forward and backward at [1024, 512] on two Zen 4 cores: dropout in bfloat16 13, dropout and the sum
// with a float32 residual 15, the sum alone 1.3, the sum of a residual and two layers 1.6.
#include "abi.h"
#include "kernels/isa.h"
#include "kernels/mixed.h"
#include "kernels/random.h"
#include "profile.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <mutex>

#if UNDERSTUDY_X86
// GCC 12 takes what its own header leaves undefined on purpose for an oversight.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#endif

using namespace understudy;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Elements whose random numbers are made together: half of them take the first of a pair, half the second.
constexpr int64_t group = 128;

struct Mask {
    uint64_t seed;
    uint32_t limit;  // numbers below are dropped; 0: nothing is
    float scale;     // of what stays

    static Mask of(double probability) {
        if (probability == 0) {
            return {0, 0, 1.0f};
        }
        auto generator = at::detail::getDefaultCPUGenerator();
        const std::lock_guard<std::mutex> lock(generator.mutex());
        return with(at::check_generator<at::CPUGeneratorImpl>(generator)->random64(), probability);
    }

    static Mask with(uint64_t seed, double probability) {
        return {seed, drop_below(probability), static_cast<float>(1.0 / (1.0 - probability))};
    }
};

UNDERSTUDY_SIMD void factors_by_loop(const Mask& mask, int64_t number, float* factors) {
    // Copies, or the comparisons below would be loads that depend on them.
    const auto [seed, limit, scale] = mask;
#pragma omp simd
    for (int64_t i = 0; i < group / 2; i++) {
        const auto pair = random_pair(seed, static_cast<uint32_t>(number * (group / 2) + i));
        factors[i] = pair.first < limit ? 0.0f : scale;
        factors[i + group / 2] = pair.second < limit ? 0.0f : scale;
    }
}

#if UNDERSTUDY_X86
// random_pair eight places at a time; what stands in the upper halves is never read.
UNDERSTUDY_AVX512 void factors_avx512(const Mask& mask, int64_t number, float* factors) {
    const __m512i multiplier = _mm512_set1_epi64(0xD256D193);
    const __m256i limit = _mm256_set1_epi32(static_cast<int32_t>(mask.limit));
    const __m256 scale = _mm256_set1_ps(mask.scale);
    const auto first = static_cast<uint32_t>(number * (group / 2));
    constexpr int together = 4;  // chains of multiplications that run side by side
    for (int64_t i = 0; i < group / 2; i += 8 * together) {
        __m512i left[together];
        __m512i right[together];
        for (int j = 0; j < together; j++) {
            const __m256i places = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int32_t>(first + i + 8 * j)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            left[j] = _mm512_cvtepu32_epi64(places);
            right[j] = _mm512_set1_epi64(static_cast<int64_t>(mask.seed >> 32));
        }
        auto key = static_cast<uint32_t>(mask.seed);
        for (int round = 0; round < 10; round++) {
            const __m512i keys = _mm512_set1_epi64(key);
            for (int j = 0; j < together; j++) {
                const __m512i product = _mm512_mul_epu32(left[j], multiplier);
                left[j] = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(product, 32), keys), right[j]);
                right[j] = product;
            }
            key += 0x9E3779B9u;
        }
        for (int j = 0; j < together; j++) {
            const auto first_kept = _mm256_cmp_epu32_mask(_mm512_cvtepi64_epi32(left[j]), limit, _MM_CMPINT_NLT);
            const auto second_kept = _mm256_cmp_epu32_mask(_mm512_cvtepi64_epi32(right[j]), limit, _MM_CMPINT_NLT);
            _mm256_storeu_ps(factors + i + 8 * j, _mm256_maskz_mov_ps(first_kept, scale));
            _mm256_storeu_ps(factors + group / 2 + i + 8 * j, _mm256_maskz_mov_ps(second_kept, scale));
        }
    }
}
#endif

// Factors of one group: 0 or the scale.
void factors_of(const Mask& mask, int64_t number, float* factors) {
#if UNDERSTUDY_X86
    if (isa() >= Isa::avx512) {
        return factors_avx512(mask, number, factors);
    }
#endif
    factors_by_loop(mask, number, factors);
}

// out = residual + a * mask [+ b * mask], elements [begin, end); begin starts a group. b's groups follow those of a.
template <class R, class A, class O, bool drops, bool two, bool adds>
UNDERSTUDY_INLINE void add_block(const R* residual, const A* a, const A* b, O* out, int64_t begin, int64_t end,
                                 const Mask& mask, int64_t groups) {
    float for_a[group];
    float for_b[group];
    for (int64_t at = begin; at < end; at += group) {
        const int64_t count = end - at < group ? end - at : group;
        if (drops) {
            factors_of(mask, at / group, for_a);
            if (two) {
                factors_of(mask, groups + at / group, for_b);
            }
        }
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            float value = load(a, at + i) * (drops ? for_a[i] : 1.0f);
            if (two) {
                value += load(b, at + i) * (drops ? for_b[i] : 1.0f);
            }
            store(out, at + i, adds ? value + load(residual, at + i) : value);
        }
    }
}

#define ADD_BLOCK(R, A, O)                                                                                            \
    UNDERSTUDY_SIMD void add_block_of(const R* residual, const A* a, const A* b, O* out, int64_t begin, int64_t end,  \
                                      const Mask& mask, int64_t groups) {                                             \
        if (b != nullptr) {                                                                                           \
            mask.limit != 0 ? add_block<R, A, O, true, true, true>(residual, a, b, out, begin, end, mask, groups)     \
                            : add_block<R, A, O, false, true, true>(residual, a, b, out, begin, end, mask, groups);   \
        } else {                                                                                                      \
            mask.limit != 0 ? add_block<R, A, O, true, false, true>(residual, a, b, out, begin, end, mask, groups)    \
                            : add_block<R, A, O, false, false, true>(residual, a, b, out, begin, end, mask, groups);  \
        }                                                                                                             \
    }
ADD_BLOCK(float, float, float)
ADD_BLOCK(float, c10::BFloat16, float)
ADD_BLOCK(c10::BFloat16, c10::BFloat16, c10::BFloat16)
#undef ADD_BLOCK

// out = a * mask, converted; the groups of a mask begin at `first`.
#define DROP_BLOCK(A, O)                                                                                              \
    UNDERSTUDY_SIMD void drop_block_of(const A* a, O* out, int64_t begin, int64_t end, const Mask& mask,              \
                                       int64_t first) {                                                               \
        float factors[group];                                                                                         \
        for (int64_t at = begin; at < end; at += group) {                                                             \
            const int64_t count = end - at < group ? end - at : group;                                                \
            factors_of(mask, first + at / group, factors);                                                            \
            _Pragma("omp simd") for (int64_t i = 0; i < count; i++) {                                                 \
                store(out, at + i, load(a, at + i) * factors[i]);                                                     \
            }                                                                                                         \
        }                                                                                                             \
    }
DROP_BLOCK(float, float)
DROP_BLOCK(float, c10::BFloat16)
DROP_BLOCK(c10::BFloat16, c10::BFloat16)
#undef DROP_BLOCK

int64_t groups_of(int64_t elements) { return (elements + group - 1) / group; }

template <class Work>
void over_groups(int64_t elements, Work&& work) {
    at::parallel_for(0, groups_of(elements), 32768 / group, [&](int64_t begin, int64_t end) {
        work(begin * group, std::min(end * group, elements));
    });
}

// x * mask in a type that is x's or narrower.
at::Tensor dropped(const at::Tensor& x, at::ScalarType type, const Mask& mask, int64_t first) {
    auto y = at::empty(x.sizes(), x.options().dtype(type));
    const Measured measured("dropout", 0, static_cast<double>(x.nbytes() + y.nbytes()));
    over_groups(x.numel(), [&](int64_t begin, int64_t end) {
        if (x.scalar_type() == at::kBFloat16) {
            drop_block_of(x.data_ptr<c10::BFloat16>(), y.data_ptr<c10::BFloat16>(), begin, end, mask, first);
        } else if (type == at::kFloat) {
            drop_block_of(x.data_ptr<float>(), y.data_ptr<float>(), begin, end, mask, first);
        } else {
            drop_block_of(x.data_ptr<float>(), y.data_ptr<c10::BFloat16>(), begin, end, mask, first);
        }
    });
    return y;
}

template <class R, class A, class O>
void add_all(const at::Tensor& residual, const at::Tensor& a, const at::Tensor& b, at::Tensor& y, const Mask& mask) {
    const auto* second = b.defined() ? b.data_ptr<A>() : nullptr;
    const auto groups = groups_of(a.numel());
    over_groups(a.numel(), [&](int64_t begin, int64_t end) {
        add_block_of(residual.data_ptr<R>(), a.data_ptr<A>(), second, y.data_ptr<O>(), begin, end, mask, groups);
    });
}

at::Tensor added(const at::Tensor& residual, const at::Tensor& a, const at::Tensor& b, const Mask& mask) {
    auto y = at::empty(residual.sizes(), residual.options());
    const Measured measured("residual", 0, static_cast<double>(2 * y.nbytes() + a.nbytes() * (b.defined() ? 2 : 1)));
    if (residual.scalar_type() == at::kBFloat16) {
        add_all<c10::BFloat16, c10::BFloat16, c10::BFloat16>(residual, a, b, y, mask);
    } else if (a.scalar_type() == at::kFloat) {
        add_all<float, float, float>(residual, a, b, y, mask);
    } else {
        add_all<float, c10::BFloat16, float>(residual, a, b, y, mask);
    }
    return y;
}

class Dropout : public torch::autograd::Function<Dropout> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double probability) {
        const auto mask = Mask::of(probability);
        context->saved_data["seed"] = static_cast<int64_t>(mask.seed);
        context->saved_data["probability"] = probability;
        return dropped(x.contiguous(), x.scalar_type(), mask, 0);
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto mask = Mask::with(static_cast<uint64_t>(context->saved_data["seed"].toInt()), context->saved_data["probability"].toDouble());
        return {dropped(upstream[0].contiguous(), upstream[0].scalar_type(), mask, 0), at::Tensor()};
    }
};

class DropoutAdd : public torch::autograd::Function<DropoutAdd> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& residual, const at::Tensor& a,
                              const Optional<at::Tensor>& b, double probability) {
        const auto mask = Mask::of(probability);
        context->saved_data["seed"] = static_cast<int64_t>(mask.seed);
        context->saved_data["probability"] = probability;
        context->saved_data["type"] = static_cast<int64_t>(a.scalar_type());
        context->saved_data["two"] = b.has_value();
        return added(residual.contiguous(), a.contiguous(), b.has_value() ? b->contiguous() : at::Tensor(), mask);
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto probability = context->saved_data["probability"].toDouble();
        const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
        const bool two = context->saved_data["two"].toBool();
        const auto& arriving = upstream[0];
        if (probability == 0) {
            const auto shared = arriving.to(type);
            return {arriving, shared, two ? shared : at::Tensor(), at::Tensor()};
        }
        const auto mask = Mask::with(static_cast<uint64_t>(context->saved_data["seed"].toInt()), probability);
        const auto whole = arriving.contiguous();
        return {arriving, dropped(whole, type, mask, 0),
                two ? dropped(whole, type, mask, groups_of(whole.numel())) : at::Tensor(), at::Tensor()};
    }
};

bool is_dropping(double probability) { return probability > 0 && probability < 1; }

}  // namespace

UNDERSTUDY_API Handle understudy_dropout(ConstHandle x, double probability, int32_t training) {
    return tensor_of([&]() -> at::Tensor {
        if (training == 0 || !is_dropping(probability) || !is_fusible(*x)) {
            return at::dropout(*x, probability, training != 0);
        }
        return needs_gradient({x}) ? Dropout::apply(*x, probability) : dropped(x->contiguous(), x->scalar_type(), Mask::of(probability), 0);
    });
}

// residual + dropout(a) [+ dropout(b)], all of one shape.
UNDERSTUDY_API Handle understudy_dropout_add(ConstHandle residual, ConstHandle a, ConstHandle b, double probability) {
    return tensor_of([&]() -> at::Tensor {
        const auto second = optional(b);
        TORCH_CHECK(a->sizes() == residual->sizes() && (!second.has_value() || second->sizes() == residual->sizes()),
                    "expected tensors of the residual's shape ", residual->sizes(), ", found ", a->sizes(),
                    second.has_value() ? " and another" : "");
        TORCH_CHECK(probability >= 0 && probability <= 1, "expected a probability from 0 to 1, found ", probability);
        const bool types = residual->scalar_type() == at::kFloat || a->scalar_type() == at::kBFloat16;
        if (!is_fusible(*residual) || !is_fusible(*a) || !types || probability == 1 ||
            (second.has_value() && (!is_fusible(*second) || second->scalar_type() != a->scalar_type()))) {
            const auto first = at::dropout(*a, probability, true);
            return (second.has_value() ? at::dropout(*second, probability, true) + first : first) + *residual;
        }
        const auto other = second.value_or(at::Tensor());
        return needs_gradient({residual, a, &other})
                   ? DropoutAdd::apply(*residual, *a, second, probability)
                   : added(residual->contiguous(), a->contiguous(), other.defined() ? other.contiguous() : other, Mask::of(probability));
    });
}
