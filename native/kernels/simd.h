// How the fused kernels are vectorised: plain loops, compiled once per instruction set, chosen at load time.
#pragma once

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

// 16-bit elements need AVX-512BW, which is in x86-64-v4 but not in avx512f; GCC knows these names here from 12 on.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define UNDERSTUDY_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define UNDERSTUDY_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define UNDERSTUDY_SIMD
#endif

// What a vectorised function calls must be inlined into it, or it is compiled for the oldest processor.
#if defined(__GNUC__)
#define UNDERSTUDY_INLINE inline __attribute__((always_inline))
#else
#define UNDERSTUDY_INLINE inline
#endif

namespace understudy {

UNDERSTUDY_INLINE float bits_to_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
}

UNDERSTUDY_INLINE uint32_t float_to_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits;
}

UNDERSTUDY_INLINE float load(const float* values, int64_t i) { return values[i]; }

UNDERSTUDY_INLINE float load(const c10::BFloat16* values, int64_t i) {
    return bits_to_float(static_cast<uint32_t>(values[i].x) << 16);
}

UNDERSTUDY_INLINE void store(float* values, int64_t i, float value) { values[i] = value; }

// Round to nearest, ties to even, as c10 does; NaN is kept a NaN by the quiet bit.
UNDERSTUDY_INLINE void store(c10::BFloat16* values, int64_t i, float value) {
    const uint32_t bits = float_to_bits(value);
    const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    values[i].x = static_cast<uint16_t>(value != value ? 0x7FC0u : rounded);
}

// e**x to 2 ulp for x <= 88: 2**n by the exponent bits, the rest by a polynomial on [-ln2/2, ln2/2] (Cephes expf).
UNDERSTUDY_INLINE float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    const float shifted = x * 1.44269504088896341f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    const uint32_t scale = (float_to_bits(shifted) - 0x4B400000u + 127u) << 23;
    return p * bits_to_float(scale);
}

}  // namespace understudy
