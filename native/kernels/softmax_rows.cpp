#include "kernels/softmax_rows.h"

#include "kernels/simd.h"

#include <cmath>
#include <limits>

namespace understudy {

namespace {

struct Extent {
    float largest;
    float sum;
};

template <class T>
UNDERSTUDY_INLINE Extent extent(const T* row, int64_t classes) {
    float largest = -std::numeric_limits<float>::infinity();
    float sum = 0;
#pragma omp simd reduction(max : largest) reduction(+ : sum)
    for (int64_t i = 0; i < classes; i++) {
        const float value = load(row, i);
        largest = value > largest ? value : largest;
        sum += value;
    }
    return {largest, sum};
}

template <class T>
UNDERSTUDY_INLINE RowSums row_sums(const T* row, int64_t classes) {
    const auto reach = extent(row, classes);
    const float largest = reach.largest;
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < classes; i++) {
        total += exponential(load(row, i) - largest);
    }
    return {largest + std::log(total), reach.sum};
}

template <class T>
UNDERSTUDY_INLINE void row_gradient(const T* row, T* gradient, int64_t classes, float log_sum_exp, float scale, float spread) {
#pragma omp simd
    for (int64_t i = 0; i < classes; i++) {
        store(gradient, i, scale * (exponential(load(row, i) - log_sum_exp) - spread));
    }
}

template <class T>
UNDERSTUDY_INLINE RowSums to_gradient(T* row, float* __restrict powers, int64_t classes, float scale, float spread) {
    const auto reach = extent(row, classes);
    const float largest = reach.largest;
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < classes; i++) {
        const float power = exponential(load(row, i) - largest);
        powers[i] = power;
        total += power;
    }
    const float part = scale / total;
    const float less = scale * spread;
#pragma omp simd
    for (int64_t i = 0; i < classes; i++) {
        store(row, i, powers[i] * part - less);
    }
    return {largest + std::log(total), reach.sum};
}

}  // namespace

UNDERSTUDY_SIMD RowSums row_sums_of(const float* row, int64_t classes) { return row_sums(row, classes); }
UNDERSTUDY_SIMD RowSums row_sums_of(const c10::BFloat16* row, int64_t classes) { return row_sums(row, classes); }

UNDERSTUDY_SIMD void row_gradient_of(const float* row, float* gradient, int64_t classes, float log_sum_exp,
                                     float scale, float spread) {
    row_gradient(row, gradient, classes, log_sum_exp, scale, spread);
}
UNDERSTUDY_SIMD void row_gradient_of(const c10::BFloat16* row, c10::BFloat16* gradient, int64_t classes,
                                     float log_sum_exp, float scale, float spread) {
    row_gradient(row, gradient, classes, log_sum_exp, scale, spread);
}

UNDERSTUDY_SIMD RowSums row_to_gradient(float* row, float* powers, int64_t classes, float scale, float spread) {
    return to_gradient(row, powers, classes, scale, spread);
}
UNDERSTUDY_SIMD RowSums row_to_gradient(c10::BFloat16* row, float* powers, int64_t classes, float scale, float spread) {
    return to_gradient(row, powers, classes, scale, spread);
}

}  // namespace understudy
