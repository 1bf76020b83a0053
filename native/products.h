#pragma once

#include "abi.h"

namespace understudy {

// at::linear and at::matmul, shared out among threads by us where libtorch's BLAS would do it badly.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const Optional<at::Tensor>& bias);
at::Tensor matmul(const at::Tensor& x, const at::Tensor& y);

}  // namespace understudy
