// The classes that rows of logits are held against, and what each row counts.
#pragma once

#include <ATen/ATen.h>

namespace understudy {

// targets [rows] int64, weights [rows] float32, both of rows that have so many classes: checked, and given back with 0 for
// the targets of rows of weight 0, which are not looked at.
at::Tensor counted_targets(const at::Tensor& targets, const at::Tensor& weights, int64_t rows, int64_t classes, double label_smoothing);

}  // namespace understudy
