// Products of two matrices by oneDNN directly: libtorch reaches it for 16-bit numbers alone, makes a new output each time
// and cannot write a float32 result of 16-bit factors, which the gradient of a weight is.
#pragma once

#include <ATen/ATen.h>

namespace understudy {

// Whether product() can be asked at all: the library was built with oneDNN, and the processor has the instructions.
bool has_matrix_product(at::ScalarType factors);

// out = a b (+ bias), or out += a b. a [m, k], b [k, n], out [m, n]: two dimensions, one of them with stride 1; transposed
// views are taken as they are. Factors float32 or bfloat16, both alike; out float32, or the factors' type. bias [n], float32
// or the factors' type. Sums are kept in float32.
// false when oneDNN has no kernel for it: the caller computes it otherwise, out is untouched.
bool product(const at::Tensor& a, const at::Tensor& b, at::Tensor& out, const at::Tensor& bias = {},
             bool accumulate = false);

}  // namespace understudy
