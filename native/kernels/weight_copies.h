// The bfloat16 copies of float32 weights that mixed precision multiplies with.
#pragma once

#include <ATen/ATen.h>

namespace understudy {

// The copy of a weight, of its sizes and strides: made when there is none or the weight has changed since.
at::Tensor bfloat16_copy(const at::Tensor& weight);

// The copy to keep up to date beside the weight, in the weight's memory order; undefined when there is none that counts.
at::Tensor known_copy(const at::Tensor& weight);

// After a write into the weight's memory that libtorch does not see: copies of it and of its views count no more, except the
// known copy where that was written as well.
void written(const at::Tensor& weight, bool copied);

}  // namespace understudy
