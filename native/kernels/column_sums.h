// Sums over the rows of a matrix: the gradient of a bias.
#pragma once

#include <ATen/ATen.h>

namespace understudy {

// rows [rows, columns] float32 or bfloat16, contiguous, on the CPU -> [columns] float32. The order of the sums does not
// depend on the number of threads.
at::Tensor column_sums(const at::Tensor& rows);

}  // namespace understudy
