#include "kernels/attention_composed.h"

#include <cmath>
#include <vector>

namespace understudy {

namespace {

// One key head for each query head.
at::Tensor repeated(const at::Tensor& x, int64_t heads) {
    const auto groups = heads / x.size(1);
    return groups == 1 ? x
                       : x.unsqueeze(2).expand({x.size(0), x.size(1), groups, x.size(2), x.size(3)})
                             .reshape({x.size(0), heads, x.size(2), x.size(3)});
}

}  // namespace

at::Tensor composed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              const Optional<at::Tensor>& mask, double dropout, bool is_causal) {
    const auto tokens = query.size(-2);
    const auto keys = key.size(-2);
    const auto groups = query.size(1) / key.size(1);
    const bool one_for_all = !mask.has_value() || mask->dim() < 3 || mask->size(-3) == 1;
    if (groups > 1 && !is_causal && one_for_all) {
        // The queries of a group become rows of one head: keys and values are not copied.
        auto rows = mask;
        if (mask.has_value() && mask->dim() > 1 && mask->size(-2) > 1) {
            auto shape = mask->sizes().vec();
            shape[shape.size() - 2] *= groups;
            auto wide = shape;
            wide.insert(wide.end() - 2, groups);
            wide[wide.size() - 2] = tokens;
            rows = mask->unsqueeze(-3).expand(wide).reshape(shape);
        }
        return composed_attention(query.reshape({query.size(0), key.size(1), groups * tokens, query.size(3)}), key, value, rows,
                                  dropout, false)
            .reshape(query.sizes());
    }
    const auto all_keys = repeated(key, query.size(1));
    const auto all_values = repeated(value, query.size(1));
#if UNDERSTUDY_TORCH_AT_LEAST(2, 0)
    if (!is_causal || tokens == keys) {
        return at::scaled_dot_product_attention(query, all_keys, all_values, mask, dropout, is_causal);
    }
#endif
    const auto scale = 1.0 / std::sqrt(static_cast<double>(query.size(-1)));
    auto scores = at::matmul(query * scale, all_keys.transpose(-2, -1));
    if (is_causal) {
        const auto allowed = at::ones({tokens, keys}, query.options().dtype(at::kBool)).tril(keys - tokens);
        scores = scores.masked_fill(allowed.logical_not(), -INFINITY);
    } else if (mask.has_value()) {
        scores = mask->scalar_type() == at::kBool ? scores.masked_fill(mask->logical_not(), -INFINITY)
                                                  : scores + mask->to(scores.scalar_type());
    }
    auto weights = at::softmax(scores, -1);
    if (dropout > 0) {
        weights = at::dropout(weights, dropout, true);
    }
    return at::matmul(weights, all_values);
}

at::Tensor composed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                              at::IntArrayRef query_starts, at::IntArrayRef key_starts, double dropout, bool is_causal) {
    std::vector<at::Tensor> rows;
    for (size_t i = 0; i + 1 < query_starts.size(); i++) {
        const auto keys = key_starts[i + 1] - key_starts[i];
        rows.push_back(composed_attention(query.narrow(2, query_starts[i], query_starts[i + 1] - query_starts[i]),
                                          key.narrow(2, key_starts[i], keys), value.narrow(2, key_starts[i], keys), none,
                                          dropout, is_causal));
    }
    return rows.empty() ? at::zeros_like(query) : at::cat(rows, 2);
}

}  // namespace understudy
