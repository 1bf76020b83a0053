// Vectors and the small matrix product of kernels that are compiled once for each instruction set. Included by files that name the
// width; everything is in an unnamed namespace, for it is other code in each of them.
#pragma once

#include <cstdint>
#include <cstring>

#if UNDERSTUDY_LANES > 4
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace understudy {
namespace {

constexpr int lanes = UNDERSTUDY_LANES;
// Six rows by four vectors of sums are 24 of 32 registers; by two, 12 of 16.
constexpr int tile_rows = 6;
constexpr int panel_vectors = lanes == 16 ? 4 : 2;
constexpr int panel = panel_vectors * lanes;

typedef float Floats __attribute__((vector_size(lanes * 4)));
typedef int32_t Ints __attribute__((vector_size(lanes * 4)));
typedef uint32_t Words __attribute__((vector_size(lanes * 4)));
typedef uint16_t Halves __attribute__((vector_size(lanes * 2)));
typedef uint64_t Longs __attribute__((vector_size(lanes * 4)));

template <class V, class T>
inline V vector_at(const T* from) {
    V v;
    std::memcpy(&v, from, sizeof(v));
    return v;
}

template <class V, class T>
inline void put(T* to, V v) {
    std::memcpy(to, &v, sizeof(v));
}

inline Floats all(float x) { return Floats{} + x; }

// b where either is NaN.
inline Floats larger(Floats a, Floats b) {
#if UNDERSTUDY_LANES == 16
    return _mm512_max_ps(a, b);
#else
    return a > b ? a : b;
#endif
}

inline float largest(Floats v) {
#if UNDERSTUDY_LANES == 16
    return _mm512_reduce_max_ps(v);
#else
    float most = v[0];
    for (int i = 1; i < lanes; i++) {
        most = v[i] > most ? v[i] : most;
    }
    return most;
#endif
}

inline float total(Floats v) {
#if UNDERSTUDY_LANES == 16
    return _mm512_reduce_add_ps(v);
#else
    float sum = 0;
    for (int i = 0; i < lanes; i++) {
        sum += v[i];
    }
    return sum;
#endif
}

// The first lane that is not 0; -1 where all are.
inline int first_lane(Ints v) {
#if UNDERSTUDY_LANES == 16
    const auto mask = static_cast<unsigned>(_mm512_movepi32_mask((__m512i)v));
    return mask == 0 ? -1 : __builtin_ctz(mask);
#elif UNDERSTUDY_LANES == 8
    const auto mask = static_cast<unsigned>(_mm256_movemask_ps((__m256)v));
    return mask == 0 ? -1 : __builtin_ctz(mask);
#else
    for (int i = 0; i < lanes; i++) {
        if (v[i] != 0) {
            return i;
        }
    }
    return -1;
#endif
}

// Lanes whose number is in [begin, end).
inline Ints lanes_within(int64_t begin, int64_t end) {
    Ints numbers;
    for (int i = 0; i < lanes; i++) {
        numbers[i] = i;
    }
    const auto first = static_cast<int32_t>(begin);
    const auto last = static_cast<int32_t>(end < lanes ? end : lanes);
    return (numbers >= first) & (numbers < last);
}

// e**x for x <= 0, NaN for NaN. The exponent is rounded off in one fused step, so that the relative error is 2e-7 plus 6e-8
// for every unit of x: what is small beside 1 may be less exact. 0 from where float32 ends.
inline Floats exponential(Floats x) {
    const Floats clamped = larger(all(-120.0f), x);
    const Floats shifted = clamped * 1.44269504088896341f + 12582912.0f;
    const Floats n = shifted - 12582912.0f;
    const Floats f = clamped * 1.44269504088896341f - n;
    Floats p = f * 0.00133822742f + 0.00966734067f;
    p = p * f + 0.0555037968f;
    p = p * f + 0.240223363f;
    p = p * f + 0.693147182f;
    p = p * f + 1.0f;
#if UNDERSTUDY_LANES == 16
    return _mm512_scalef_ps(p, n);
#else
    const Words scale = ((Words)shifted - (0x4B400000u - 127u)) << 23;
    const Floats result = p * (Floats)scale;
    return clamped < -87.0f ? Floats{} : result;
#endif
}

// Numbers of 16 bits in lanes of 32.
inline Words extend(Halves v) {
#if UNDERSTUDY_LANES == 16
    return (Words)_mm512_cvtepu16_epi32((__m256i)v);
#elif UNDERSTUDY_LANES == 8
    return (Words)_mm256_cvtepu16_epi32((__m128i)v);
#else
    return __builtin_convertvector(v, Words);
#endif
}

inline Floats widen(Halves v) { return (Floats)(extend(v) << 16); }

// To bfloat16: to nearest, ties to even; NaN stays one.
inline Halves narrow(Floats x) {
#if defined(__AVX512BF16__)
    return (Halves)_mm512_cvtneps_pbh(x);
#else
    const Words bits = (Words)x;
    const Words rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return __builtin_convertvector(x == x ? rounded : Words{} + 0x7FC0u, Halves);
#endif
}

inline Floats load_floats(const float* from) { return vector_at<Floats>(from); }
inline Floats load_floats(const uint16_t* from) { return widen(vector_at<Halves>(from)); }
inline void store_floats(float* to, Floats v) { put(to, v); }
inline void store_floats(uint16_t* to, Floats v) { put(to, narrow(v)); }

inline float load_float(const float* from) { return *from; }
inline float load_float(const uint16_t* from) {
    const uint32_t bits = static_cast<uint32_t>(*from) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}
inline void store_float(float* to, float x) { *to = x; }
inline void store_float(uint16_t* to, float x) { *to = narrow(all(x))[0]; }

// Matrices are made of 32-bit words: one float, or two bfloat16 that follow each other along the summed dimension.
struct Single {
    using Element = float;
    static constexpr int depth = 1;
    static inline Floats multiply(Floats sum, Words a, Words b) { return (Floats)a * (Floats)b + sum; }
};

struct Paired {
    using Element = uint16_t;
    static constexpr int depth = 2;
    static inline Floats multiply(Floats sum, Words a, Words b) {
#if defined(__AVX512BF16__)
        return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#else
        sum = (Floats)(a << 16) * (Floats)(b << 16) + sum;
        return (Floats)(a & 0xFFFF0000u) * (Floats)(b & 0xFFFF0000u) + sum;
#endif
    }
};

// A left operand: the word of row r and step k is at [r * row + k * step].
struct Left {
    const uint32_t* words;
    int64_t row;
    int64_t step;
};

// c[R, V vectors] (+)= a b, where b [steps, panel] is a panel.
template <class Word, int R, int V>
void multiply_tile(Left a, const uint32_t* b, float* c, int64_t c_row, int64_t steps, bool add) {
    Floats sums[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            sums[r][v] = add ? load_floats(c + r * c_row + v * lanes) : Floats{};
        }
    }
    const uint32_t* left = a.words;
    for (int64_t k = 0; k < steps; k++) {
        Words right[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            right[v] = vector_at<Words>(b + v * lanes);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const Words x = Words{} + left[r * a.row];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) {
                sums[r][v] = Word::multiply(sums[r][v], x, right[v]);
            }
        }
        left += a.step;
        b += panel;
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            store_floats(c + r * c_row + v * lanes, sums[r][v]);
        }
    }
}

using Tile = void (*)(Left, const uint32_t*, float*, int64_t, int64_t, bool);

template <class Word, int V>
constexpr Tile tiles_of[tile_rows] = {multiply_tile<Word, 1, V>, multiply_tile<Word, 2, V>, multiply_tile<Word, 3, V>,
                                      multiply_tile<Word, 4, V>, multiply_tile<Word, 5, V>, multiply_tile<Word, 6, V>};

// c[rows <= tile_rows, vectors <= panel_vectors] (+)= a b.
template <class Word>
inline void multiply(int64_t rows, int64_t vectors, Left a, const uint32_t* b, float* c, int64_t c_row, int64_t steps,
                     bool add) {
    switch (vectors) {
        case 1: tiles_of<Word, 1>[rows - 1](a, b, c, c_row, steps, add); break;
        case 2: tiles_of<Word, 2>[rows - 1](a, b, c, c_row, steps, add); break;
#if UNDERSTUDY_LANES == 16
        case 3: tiles_of<Word, 3>[rows - 1](a, b, c, c_row, steps, add); break;
        case 4: tiles_of<Word, 4>[rows - 1](a, b, c, c_row, steps, add); break;
#endif
        default: break;
    }
}

// The 32-bit product of the low halves, in 64 bits.
inline Longs multiply_low(Longs a, uint32_t b) {
#if UNDERSTUDY_LANES == 16
    return (Longs)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif UNDERSTUDY_LANES == 8
    return (Longs)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
    return (Longs)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
    return (a & 0xFFFFFFFFu) * b;
#endif
}

// Random numbers of 16 bits: number i is a quarter of random_pair(seed, place + i / 4) of kernels/random.h, the low
// half of the first first. A place beyond 32 bits continues in the high half of the seed. count is a multiple of 32.
inline void random_numbers(uint64_t seed, uint64_t place, uint16_t* numbers, int64_t count) {
    constexpr int at_once = lanes / 2;
    Longs offsets;
    for (int i = 0; i < at_once; i++) {
        offsets[i] = static_cast<uint64_t>(i);
    }
    for (int64_t i = 0; i < count; i += 4 * at_once) {
        const Longs places = offsets + (place + static_cast<uint64_t>(i / 4));
        Longs left = places;
        Longs right = (places >> 32) ^ (seed >> 32);
        uint32_t key = static_cast<uint32_t>(seed);
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            const Longs product = multiply_low(left, 0xD256D193u);
            left = (product >> 32) ^ right ^ key;
            right = product;
            key += 0x9E3779B9u;
        }
        put(numbers + i, (left & 0xFFFFFFFFu) | (right << 32));
    }
}

}  // namespace
}  // namespace understudy
