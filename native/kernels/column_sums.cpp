#include "kernels/column_sums.h"

#include "kernels/simd.h"
#include "profile.h"

#include <algorithm>

namespace understudy {

namespace {

// Columns of a strip, at most: their sums stay in the first-level cache. Strips of 128 columns, whose sums fit into registers,
// take as long (0.98 to 1.0 of it at 512 columns and more).
constexpr int64_t widest = 1024;

template <class T>
UNDERSTUDY_INLINE void add_rows(const T* values, int64_t rows, int64_t stride, int64_t width, float* __restrict sums) {
    for (int64_t row = 0; row < rows; row++) {
        const T* from = values + row * stride;
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            sums[i] += load(from, i);
        }
    }
}

UNDERSTUDY_SIMD void add_rows_of(const float* values, int64_t rows, int64_t stride, int64_t width, float* sums) {
    add_rows(values, rows, stride, width, sums);
}

UNDERSTUDY_SIMD void add_rows_of(const c10::BFloat16* values, int64_t rows, int64_t stride, int64_t width, float* sums) {
    add_rows(values, rows, stride, width, sums);
}

}  // namespace

at::Tensor column_sums(const at::Tensor& rows) {
    const auto columns = rows.size(1);
    const Measured measured("column sums", static_cast<double>(rows.numel()), static_cast<double>(rows.nbytes()));
    auto sums = at::zeros({columns}, rows.options().dtype(at::kFloat));
    // A column's numbers are added in the order of the rows, whatever strip it is in.
    const auto share = (columns + at::get_num_threads() - 1) / at::get_num_threads();
    const auto strip = std::min(widest, (share + 63) / 64 * 64);
    auto* to = sums.data_ptr<float>();
    const auto run = [&](const auto* from) {
        at::parallel_for(0, (columns + strip - 1) / strip, 1, [&](int64_t begin, int64_t end) {
            for (int64_t s = begin; s < end; s++) {
                const auto first = s * strip;
                add_rows_of(from + first, rows.size(0), columns, std::min(strip, columns - first), to + first);
            }
        });
    };
    if (rows.scalar_type() == at::kBFloat16) {
        run(rows.data_ptr<c10::BFloat16>());
    } else {
        run(rows.data_ptr<float>());
    }
    return sums;
}

}  // namespace understudy
