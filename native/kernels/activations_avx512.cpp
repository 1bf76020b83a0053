// Sixteen numbers at a time: conversions, powers of two and reciprocals are one instruction each, which a compiler does not
// find in plain loops: at [1024, 2048] in bfloat16 on two Zen 4 cores GELU
// takes 2.3 times as long by those.
#include "kernels/activations.h"

#if UNDERSTUDY_X86

// GCC 12 takes what its own header leaves undefined on purpose for an oversight.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include <immintrin.h>

#define INLINE UNDERSTUDY_AVX512_BF16 inline __attribute__((always_inline))

namespace understudy {

namespace {

INLINE __m512 number(float value) { return _mm512_set1_ps(value); }

// The second operand is what remains of a NaN in either.
INLINE __m512 at_most(__m512 x, float limit) { return _mm512_min_ps(number(limit), x); }
INLINE __m512 at_least(__m512 x, float limit) { return _mm512_max_ps(number(limit), x); }

template <class T>
struct Lanes;

template <>
struct Lanes<float> {
    INLINE static __m512 load(const float* from, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, from); }
    INLINE static void store(float* to, __mmask16 mask, __m512 value) { _mm512_mask_storeu_ps(to, mask, value); }

    // 2**x for x from -200 on; too large ones are infinite.
    INLINE static __m512 power_of_two(__m512 x) {
        const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const __m512 r = _mm512_sub_ps(x, whole);
        // Of the least relative error on [-1/2, 1/2], 2e-9.
        __m512 p = number(1.53457728e-4f);
        p = _mm512_fmadd_ps(p, r, number(1.33999309e-3f));
        p = _mm512_fmadd_ps(p, r, number(9.6184891e-3f));
        p = _mm512_fmadd_ps(p, r, number(5.55032878e-2f));
        p = _mm512_fmadd_ps(p, r, number(2.40226479e-1f));
        p = _mm512_fmadd_ps(p, r, number(6.93147206e-1f));
        p = _mm512_fmadd_ps(p, r, number(1.0f));
        return _mm512_scalef_ps(p, whole);
    }
    INLINE static __m512 reciprocal(__m512 x) { return _mm512_div_ps(number(1.0f), x); }

    // See activations.cpp: erfc(z) is e**(-z*z) t q(t) with t = 1 / (1 + slope z).
    static constexpr float slope = 0.3275911f;
    INLINE static __m512 q(__m512 t) {
        __m512 q = number(-0.1444754324f);
        q = _mm512_fmadd_ps(q, t, number(0.5110150719f));
        q = _mm512_fmadd_ps(q, t, number(-0.4314413297f));
        q = _mm512_fmadd_ps(q, t, number(0.4777733545f));
        q = _mm512_fmadd_ps(q, t, number(0.01173252104f));
        q = _mm512_fmadd_ps(q, t, number(0.2103300289f));
        q = _mm512_fmadd_ps(q, t, number(0.1799571117f));
        return _mm512_fmadd_ps(q, t, number(0.1851086176f));
    }
};

template <>
struct Lanes<c10::BFloat16> {
    INLINE static __m512 load(const c10::BFloat16* from, __mmask16 mask) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from)), 16));
    }
    INLINE static void store(c10::BFloat16* to, __mmask16 mask, __m512 value) {
        _mm256_mask_storeu_epi16(to, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
    }

    // To 7e-5, a twentieth of what is rounded away.
    INLINE static __m512 power_of_two(__m512 x) {
        const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const __m512 r = _mm512_sub_ps(x, whole);
        __m512 p = number(5.5171274e-2f);
        p = _mm512_fmadd_ps(p, r, number(2.42611092e-1f));
        p = _mm512_fmadd_ps(p, r, number(6.93261058e-1f));
        p = _mm512_fmadd_ps(p, r, number(9.99928077e-1f));
        return _mm512_scalef_ps(p, whole);
    }
    INLINE static __m512 reciprocal(__m512 x) { return _mm512_rcp14_ps(x); }

    static constexpr float slope = 0.4f;
    INLINE static __m512 q(__m512 t) {
        __m512 q = number(0.5763507145f);
        q = _mm512_fmadd_ps(q, t, number(-0.1250957453f));
        q = _mm512_fmadd_ps(q, t, number(0.3352932647f));
        return _mm512_fmadd_ps(q, t, number(0.2130395142f));
    }
};

constexpr float per_log2 = 1.4426950408889634f;
constexpr float infinite = 200.0f;  // 2 to this is infinity, and to its negative 0

struct Both {
    __m512 factor;  // the function's value over x
    __m512 slope;
};

// with_slope is known where this is inlined; without it the slope is not computed.
template <class L>
INLINE Both gelu(__m512 x, bool with_slope) {
    const __m512 near = at_least(at_most(x, 14.0f), -14.0f);
    const __m512 t = L::reciprocal(_mm512_fmadd_ps(_mm512_abs_ps(near), number(0.70710678f * L::slope), number(1.0f)));
    const __m512 peak = L::power_of_two(_mm512_mul_ps(_mm512_mul_ps(near, near), number(-0.5f * per_log2)));
    const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(number(0.5f), peak), _mm512_mul_ps(L::q(t), t));
    // At 14 nothing is left of the tail; but times the largest numbers what is left would count.
    const __m512 small = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_abs_ps(near), number(13.9f), _CMP_NGE_UQ), tail);
    Both both;
    both.factor = _mm512_mask_sub_ps(small, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLT_UQ), number(1.0f), small);
    both.slope = with_slope ? _mm512_fmadd_ps(_mm512_mul_ps(near, number(0.3989422804f)), peak, both.factor) : both.factor;
    return both;
}

// l(v) = 1 / (1 + e**-v) and its own part of a slope, l(v) (1 - l(v)); `power` is v in powers of two.
template <class L>
INLINE Both logistic(__m512 power, bool with_slope) {
    // A slope is infinity times nothing where e is infinite; there it is nothing.
    const float limit = with_slope ? 120.0f : infinite;
    const __m512 e = L::power_of_two(at_least(at_most(_mm512_sub_ps(_mm512_setzero_ps(), power), limit), -infinite));
    const __m512 l = L::reciprocal(_mm512_add_ps(e, number(1.0f)));
    return {l, with_slope ? _mm512_mul_ps(_mm512_mul_ps(e, l), l) : l};
}

template <class L>
INLINE Both gelu_tanh(__m512 x, bool with_slope) {
    const __m512 near = at_least(at_most(x, 14.0f), -14.0f);
    const __m512 square = _mm512_mul_ps(near, near);
    const __m512 power = _mm512_mul_ps(near, _mm512_fmadd_ps(square, number(0.0713548163f * per_log2), number(1.5957691216f * per_log2)));
    auto both = logistic<L>(power, with_slope);
    if (with_slope) {
        both.slope = _mm512_fmadd_ps(_mm512_mul_ps(near, both.slope), _mm512_fmadd_ps(square, number(0.2140644488f), number(1.5957691216f)), both.factor);
    }
    return both;
}

template <class L>
INLINE Both silu(__m512 x, bool with_slope) {
    auto both = logistic<L>(_mm512_mul_ps(x, number(per_log2)), with_slope);
    if (with_slope) {
        both.slope = _mm512_fmadd_ps(at_least(at_most(x, 100.0f), -100.0f), both.slope, both.factor);
    }
    return both;
}

template <ActivationKind kind, class L>
INLINE Both computed(__m512 x, bool with_slope) {
    if (kind == ActivationKind::gelu) {
        return gelu<L>(x, with_slope);
    }
    return kind == ActivationKind::gelu_tanh ? gelu_tanh<L>(x, with_slope) : silu<L>(x, with_slope);
}

INLINE __mmask16 lanes_left(int64_t left) { return left >= 16 ? 0xFFFF : static_cast<__mmask16>((1u << left) - 1); }

template <ActivationKind kind, class T>
UNDERSTUDY_AVX512_BF16 void forward(const T* x, const T* gated, T* y, int64_t count) {
    using L = Lanes<T>;
    for (int64_t i = 0; i < count; i += 16) {
        const auto mask = lanes_left(count - i);
        const __m512 value = L::load(x + i, mask);
        __m512 result = _mm512_mul_ps(value, computed<kind, L>(value, false).factor);
        if (gated != nullptr) {
            result = _mm512_mul_ps(result, L::load(gated + i, mask));
        }
        L::store(y + i, mask, result);
    }
}

template <ActivationKind kind, class T>
UNDERSTUDY_AVX512_BF16 void backward(const T* x, const T* gated, const T* upstream, T* for_x, T* for_gated, int64_t count) {
    using L = Lanes<T>;
    for (int64_t i = 0; i < count; i += 16) {
        const auto mask = lanes_left(count - i);
        const __m512 value = L::load(x + i, mask);
        __m512 arriving = L::load(upstream + i, mask);
        const auto both = computed<kind, L>(value, true);
        if (gated != nullptr) {
            const __m512 factor = computed<kind, L>(value, false).factor;
            L::store(for_gated + i, mask, _mm512_mul_ps(arriving, _mm512_mul_ps(value, factor)));
            arriving = _mm512_mul_ps(arriving, L::load(gated + i, mask));
        }
        L::store(for_x + i, mask, _mm512_mul_ps(arriving, both.slope));
    }
}

template <class T>
void forward_of(ActivationKind kind, const T* x, const T* gated, T* y, int64_t count) {
    switch (kind) {
        case ActivationKind::gelu:
            return forward<ActivationKind::gelu>(x, gated, y, count);
        case ActivationKind::gelu_tanh:
            return forward<ActivationKind::gelu_tanh>(x, gated, y, count);
        case ActivationKind::silu:
            return forward<ActivationKind::silu>(x, gated, y, count);
    }
}

template <class T>
void backward_of(ActivationKind kind, const T* x, const T* gated, const T* upstream, T* for_x, T* for_gated, int64_t count) {
    switch (kind) {
        case ActivationKind::gelu:
            return backward<ActivationKind::gelu>(x, gated, upstream, for_x, for_gated, count);
        case ActivationKind::gelu_tanh:
            return backward<ActivationKind::gelu_tanh>(x, gated, upstream, for_x, for_gated, count);
        case ActivationKind::silu:
            return backward<ActivationKind::silu>(x, gated, upstream, for_x, for_gated, count);
    }
}

}  // namespace

void activate_avx512(ActivationKind kind, const float* x, const float* gated, float* y, int64_t count) {
    forward_of(kind, x, gated, y, count);
}
void activate_avx512(ActivationKind kind, const c10::BFloat16* x, const c10::BFloat16* gated, c10::BFloat16* y, int64_t count) {
    forward_of(kind, x, gated, y, count);
}
void activate_backward_avx512(ActivationKind kind, const float* x, const float* gated, const float* upstream, float* for_x,
                              float* for_gated, int64_t count) {
    backward_of(kind, x, gated, upstream, for_x, for_gated, count);
}
void activate_backward_avx512(ActivationKind kind, const c10::BFloat16* x, const c10::BFloat16* gated,
                              const c10::BFloat16* upstream, c10::BFloat16* for_x, c10::BFloat16* for_gated, int64_t count) {
    backward_of(kind, x, gated, upstream, for_x, for_gated, count);
}

}  // namespace understudy

#endif
