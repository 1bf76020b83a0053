#pragma once

#include <ATen/ATen.h>

namespace understudy {

// x times the probability that a standard normal number is below x, element by element.
at::Tensor gelu(const at::Tensor& x);

}  // namespace understudy
