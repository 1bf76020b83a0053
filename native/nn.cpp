// Matrix products and the functional layer operations.
#include "abi.h"

#include <cmath>

using namespace understudy;

UNDERSTUDY_API Handle understudy_matmul(ConstHandle x, ConstHandle y) {
    return tensor_of([&] { return at::matmul(*x, *y); });
}

UNDERSTUDY_API Handle understudy_linear(ConstHandle x, ConstHandle weight, ConstHandle bias) {
    return tensor_of([&] { return at::linear(*x, *weight, optional(bias)); });
}

UNDERSTUDY_API Handle understudy_embedding(ConstHandle weight, ConstHandle indices, int64_t padding_idx) {
    return tensor_of([&] { return at::embedding(*weight, *indices, padding_idx); });
}

UNDERSTUDY_API Handle understudy_layer_norm(ConstHandle x, const int64_t* shape, int32_t dims, ConstHandle weight,
                                            ConstHandle bias, double eps) {
    return tensor_of([&] { return at::layer_norm(*x, sizes(shape, dims), optional(weight), optional(bias), eps); });
}

UNDERSTUDY_API Handle understudy_dropout(ConstHandle x, double probability, int32_t training) {
    return tensor_of([&] { return at::dropout(*x, probability, training != 0); });
}

UNDERSTUDY_API Handle understudy_nll_loss(ConstHandle log_probabilities, ConstHandle targets, int64_t reduction,
                                          int64_t ignore_index) {
    return tensor_of([&] {
        return at::nll_loss(*log_probabilities, *targets, Optional<at::Tensor>(), reduction, ignore_index);
    });
}

// q [batch, heads, tokens, head_dim], k and v [batch, heads, keys, head_dim]; mask broadcastable to
// [batch, heads, tokens, keys]: boolean (true = attend) or added to the scores.
UNDERSTUDY_API Handle understudy_scaled_dot_product_attention(ConstHandle query, ConstHandle key, ConstHandle value,
                                                              ConstHandle mask, double dropout, int32_t is_causal) {
    return tensor_of([&]() -> at::Tensor {
        const auto attention_mask = optional(mask);
#if UNDERSTUDY_TORCH_AT_LEAST(2, 0)
        return at::scaled_dot_product_attention(*query, *key, *value, attention_mask, dropout, is_causal != 0);
#else
        TORCH_CHECK(!(is_causal && attention_mask.has_value()), "give either a mask or is_causal, not both");
        const auto scale = 1.0 / std::sqrt(static_cast<double>(query->size(-1)));
        auto scores = at::matmul(*query * scale, key->transpose(-2, -1));
        if (is_causal) {
            const auto tokens = query->size(-2);
            const auto keys = key->size(-2);
            auto allowed = at::ones({tokens, keys}, query->options().dtype(at::kBool)).tril();
            scores = scores.masked_fill(allowed.logical_not(), -INFINITY);
        } else if (attention_mask.has_value()) {
            scores = attention_mask->scalar_type() == at::kBool
                         ? scores.masked_fill(attention_mask->logical_not(), -INFINITY)
                         : scores + attention_mask->to(scores.scalar_type());
        }
        auto weights = at::softmax(scores, -1);
        if (dropout > 0) {
            weights = at::dropout(weights, dropout, true);
        }
        return at::matmul(weights, *value);
#endif
    });
}
