// Attention as an operation of autograd.
#pragma once

#include "kernels/attention.h"

#include <ATen/ATen.h>

#include <vector>

namespace understudy {

// What does not change between forward and backward.
struct AttentionSettings {
    std::vector<AttentionRow> rows;
    bool causal = false;
    double dropout = 0;
    uint64_t seed = 0;   // drawn where there is dropout
    at::Tensor mask;     // four dimensions, the last contiguous; undefined for none
    at::Tensor visible;  // int32 [mask's batch, heads, tokens, 2]: see Attention::visible
};

// Copies x where its last dimension is not contiguous.
at::Tensor with_contiguous_rows(const at::Tensor& x);

// query [batch, heads, tokens, dim], key and value [batch, key heads, keys, dim], all float32 or all bfloat16, on the CPU.
at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, AttentionSettings settings);

}  // namespace understudy
