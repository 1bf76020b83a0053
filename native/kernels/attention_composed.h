#pragma once

#include "abi.h"

namespace understudy {

// Attention by operations of the library, for what the kernels do not take. Arguments as understudy_scaled_dot_product_attention.
at::Tensor composed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              const Optional<at::Tensor>& mask, double dropout, bool is_causal);

// The same row by row; starts [rows + 1] hold where each row's queries and keys begin.
at::Tensor composed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              at::IntArrayRef query_starts, at::IntArrayRef key_starts, double dropout, bool is_causal);

}  // namespace understudy
