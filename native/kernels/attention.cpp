// The exported attention: what it takes, and whether the kernels or the library's operations compute it.
#include "abi.h"
#include "kernels/attention_composed.h"
#include "kernels/attention_function.h"
#include "kernels/autocast.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <vector>

namespace understudy {

namespace {

constexpr int64_t largest_dim = 256;
constexpr float hidden = -1e30f;

// The keys from the first to the last that the mask does not hide. What is hidden at the ends has a weight of exactly 0,
// unless all keys are hidden: then it depends on all of them.
template <class T, class Seen>
void find_visible(const at::Tensor& mask, AttentionRange* ranges, Seen&& seen) {
    const auto* numbers = mask.data_ptr<T>();
    const auto keys = static_cast<int32_t>(mask.size(3));
    at::parallel_for(0, mask.size(0) * mask.size(1) * mask.size(2), 1024, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            const auto token = i % mask.size(2);
            const auto head = i / mask.size(2) % mask.size(1);
            const auto batch = i / mask.size(2) / mask.size(1);
            const auto* row = numbers + batch * mask.stride(0) + head * mask.stride(1) + token * mask.stride(2);
            AttentionRange range{0, keys};
            while (range.begin < keys && !seen(row[range.begin])) {
                range.begin++;
            }
            if (range.begin == keys) {
                range.begin = 0;
            } else {
                while (!seen(row[range.end - 1])) {
                    range.end--;
                }
            }
            ranges[i] = range;
        }
    });
}

at::Tensor visible_keys(const at::Tensor& mask) {
    auto visible = at::empty({mask.size(0), mask.size(1), mask.size(2), 2}, at::kInt);
    auto* ranges = reinterpret_cast<AttentionRange*>(visible.data_ptr<int32_t>());
    if (mask.scalar_type() == at::kBool) {
        find_visible<bool>(mask, ranges, [](bool allowed) { return allowed; });
    } else {
        // NaN is seen.
        find_visible<float>(mask, ranges, [](float added) { return !(added <= hidden); });
    }
    return visible;
}

// As a matrix product would take it here.
at::Tensor cast(const at::Tensor& x) {
    const auto type = autocast_type(at::kCPU);
    return type.has_value() && x.device().is_cpu() && x.is_floating_point() && x.scalar_type() != at::kDouble ? x.to(*type) : x;
}

bool fusible(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    const auto type = query.scalar_type();
    return query.device().is_cpu() && key.device().is_cpu() && value.device().is_cpu() &&
           (type == at::kFloat || type == at::kBFloat16) && key.scalar_type() == type && value.scalar_type() == type &&
           query.size(3) > 0 && query.size(3) <= largest_dim;
}

void check(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
    TORCH_CHECK(query.dim() == 4 && key.dim() == 4 && key.sizes() == value.sizes() && key.size(0) == query.size(0) &&
                    key.size(3) == query.size(3) && key.size(1) > 0 && query.size(1) % key.size(1) == 0,
                "expected query [batch, heads, tokens, head_dim] and key and value [batch, key heads, keys, head_dim] with "
                "heads a multiple of key heads, found ", query.sizes(), ", ", key.sizes(), " and ", value.sizes());
}

std::vector<int64_t> starts(const at::Tensor& given, const char* name, int64_t total) {
    TORCH_CHECK(given.dim() == 1 && given.numel() > 0 && given.device().is_cpu() &&
                    (given.scalar_type() == at::kInt || given.scalar_type() == at::kLong),
                "expected ", name, " [rows + 1], int32 or int64 on the CPU, found ", given.scalar_type(), " ", given.sizes(),
                " on ", given.device());
    const auto numbers = given.to(at::kLong).contiguous();
    std::vector<int64_t> found(numbers.data_ptr<int64_t>(), numbers.data_ptr<int64_t>() + numbers.numel());
    bool rising = found.front() == 0 && found.back() == total;
    for (size_t i = 1; i < found.size(); i++) {
        rising = rising && found[i] >= found[i - 1];
    }
    TORCH_CHECK(rising, "expected ", name, " to rise from 0 to the ", total, " tokens given, found ", at::IntArrayRef(found));
    return found;
}

}  // namespace

}  // namespace understudy

using namespace understudy;

// query [batch, heads, tokens, head_dim], key and value [batch, key heads, keys, head_dim]; mask broadcastable to [batch,
// heads, tokens, keys]: boolean (true = attend) or added to the scores.
UNDERSTUDY_API Handle understudy_scaled_dot_product_attention(ConstHandle query, ConstHandle key, ConstHandle value,
                                                              ConstHandle mask, double dropout, int32_t is_causal) {
    return tensor_of([&]() -> at::Tensor {
        const auto given = optional(mask);
        check(*query, *key, *value);
        TORCH_CHECK(!(is_causal && given.has_value()), "give either a mask or is_causal, not both");
        TORCH_CHECK(dropout >= 0 && dropout <= 1, "expected a dropout from 0 to 1, found ", dropout);
        TORCH_CHECK(!is_causal || key->size(2) >= query->size(2), "expected at least as many keys as tokens with is_causal, found ",
                    key->size(2), " keys and ", query->size(2), " tokens");
        const auto q = cast(*query);
        const auto k = cast(*key);
        const auto v = cast(*value);
        // A mask that learns, as T5's distances do, needs the gradient of every score.
        const bool learns = given.has_value() && given->requires_grad() && at::GradMode::is_enabled();
        if (!fusible(q, k, v) || learns || (given.has_value() && !given->device().is_cpu())) {
            return composed_attention(*query, *key, *value, given, dropout, is_causal != 0);
        }
        AttentionSettings settings;
        settings.causal = is_causal != 0;
        settings.dropout = dropout;
        if (given.has_value()) {
            TORCH_CHECK(given->dim() <= 4 && at::is_expandable_to(given->sizes(), {q.size(0), q.size(1), q.size(2), k.size(2)}),
                        "expected a mask broadcastable to ", at::IntArrayRef({q.size(0), q.size(1), q.size(2), k.size(2)}),
                        ", found ", given->sizes());
            auto numbers = given->scalar_type() == at::kBool ? *given : given->detach().to(at::kFloat);
            while (numbers.dim() < 4) {
                numbers = numbers.unsqueeze(0);
            }
            if (numbers.size(3) != k.size(2)) {
                numbers = numbers.expand({-1, -1, -1, k.size(2)});
            }
            settings.mask = with_contiguous_rows(numbers);
            settings.visible = visible_keys(settings.mask);
        }
        for (int64_t i = 0; i < q.size(0); i++) {
            settings.rows.push_back({i, 0, 0, q.size(2), k.size(2)});
        }
        return fused_attention(q, k, v, std::move(settings));
    });
}

// query [1, heads, tokens of all rows, head_dim], key and value [1, key heads, keys of all rows, head_dim].
UNDERSTUDY_API Handle understudy_scaled_dot_product_attention_varlen(ConstHandle query, ConstHandle key, ConstHandle value,
                                                                     ConstHandle query_starts, ConstHandle key_starts,
                                                                     double dropout, int32_t is_causal) {
    return tensor_of([&]() -> at::Tensor {
        check(*query, *key, *value);
        TORCH_CHECK(query->size(0) == 1, "expected one batch row that holds all rows, found ", query->sizes());
        TORCH_CHECK(dropout >= 0 && dropout <= 1, "expected a dropout from 0 to 1, found ", dropout);
        const auto queries = starts(*query_starts, "query starts", query->size(2));
        const auto keys = starts(*key_starts, "key starts", key->size(2));
        TORCH_CHECK(queries.size() == keys.size(), "expected as many rows of queries as of keys, found ", queries.size() - 1,
                    " and ", keys.size() - 1);
        AttentionSettings settings;
        settings.causal = is_causal != 0;
        settings.dropout = dropout;
        for (size_t i = 0; i + 1 < queries.size(); i++) {
            settings.rows.push_back({0, queries[i], keys[i], queries[i + 1] - queries[i], keys[i + 1] - keys[i]});
            TORCH_CHECK(!is_causal || settings.rows.back().keys >= settings.rows.back().tokens,
                        "expected at least as many keys as tokens with is_causal, found ", settings.rows.back().keys,
                        " keys and ", settings.rows.back().tokens, " tokens in row ", i);
        }
        const auto q = cast(*query);
        const auto k = cast(*key);
        const auto v = cast(*value);
        return fusible(q, k, v) ? fused_attention(q, k, v, std::move(settings))
                                : composed_attention(*query, *key, *value, queries, keys, dropout, is_causal != 0);
    });
}
