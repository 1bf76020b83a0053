// What a row of logits gives: its log-sum-exp, and its gradient.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace understudy {

struct RowSums {
    float log_sum_exp;
    float sum;
};

RowSums row_sums_of(const float* row, int64_t classes);
RowSums row_sums_of(const c10::BFloat16* row, int64_t classes);

// gradient = scale x (softmax - spread); it may be the row itself.
void row_gradient_of(const float* row, float* gradient, int64_t classes, float log_sum_exp, float scale, float spread);
void row_gradient_of(const c10::BFloat16* row, c10::BFloat16* gradient, int64_t classes, float log_sum_exp, float scale,
                     float spread);

// Both at once, in place: row becomes scale x (softmax - spread). powers [classes] is room for the exponentials, which are
// then taken once instead of twice.
RowSums row_to_gradient(float* row, float* powers, int64_t classes, float scale, float spread);
RowSums row_to_gradient(c10::BFloat16* row, float* powers, int64_t classes, float scale, float spread);

}  // namespace understudy
