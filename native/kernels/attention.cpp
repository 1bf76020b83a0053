// Scaled dot-product attention without scores in memory, forward and backward, for the CPU.
#include "kernels/attention.h"

#include "abi.h"
#include "kernels/attention_composed.h"
#include "kernels/isa.h"
#include "profile.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <atomic>
#include <cmath>
#include <vector>

namespace understudy {

// Blocks of memory that a thread hands out piece by piece.
struct AttentionScratch {
    std::vector<at::Tensor> blocks;
    size_t used = 0;

    void reset() {
        if (blocks.size() > 1) {
            blocks.erase(blocks.begin(), blocks.end() - 1);  // the last is the largest
        }
        used = 0;
    }
};

void* attention_scratch(AttentionScratch& scratch, size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    if (scratch.blocks.empty() || scratch.used + bytes > static_cast<size_t>(scratch.blocks.back().numel())) {
        const auto least = scratch.blocks.empty() ? size_t{1} << 20 : 2 * static_cast<size_t>(scratch.blocks.back().numel());
        scratch.blocks.push_back(at::empty({static_cast<int64_t>(bytes > least ? bytes : least)}, at::kByte));
        scratch.used = 0;
    }
    auto* found = scratch.blocks.back().data_ptr<uint8_t>() + scratch.used;
    scratch.used += bytes;
    return found;
}

namespace {

constexpr int64_t largest_dim = 256;
constexpr float hidden = -1e30f;

AttentionKernels kernels() {
#if UNDERSTUDY_X86
    switch (isa()) {
        case Isa::avx512_bf16: return attention_avx512_bf16();
        case Isa::avx512: return attention_avx512();
        case Isa::avx2: return attention_avx2();
        case Isa::portable: break;
    }
#endif
    return attention_portable();
}

// What does not change between forward and backward.
struct Settings {
    std::vector<AttentionRow> rows;
    bool causal = false;
    double dropout = 0;
    uint64_t seed = 0;
    at::Tensor mask;     // four dimensions, the last contiguous; undefined for none
    at::Tensor visible;  // int32 [mask's batch, heads, tokens, 2]
};

uint64_t new_seed() {
    const auto generator = at::detail::getDefaultCPUGenerator();
    auto* numbers = at::check_generator<at::CPUGeneratorImpl>(generator);
    const std::lock_guard<std::mutex> lock(numbers->mutex_);
    return numbers->random64();
}

AttentionMatrix matrix(const at::Tensor& x) { return {x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)}; }

at::Tensor with_contiguous_rows(const at::Tensor& x) { return x.size(3) == 1 || x.stride(3) == 1 ? x : x.contiguous(); }

// [batch, heads, tokens, dim] in memory as [batch, tokens, heads, dim].
at::Tensor token_major(const at::Tensor& like) {
    const auto heads = like.size(1);
    const auto tokens = like.size(2);
    const auto dim = like.size(3);
    return at::empty_strided(like.sizes(), {tokens * heads * dim, dim, heads * dim, 1}, like.options());
}

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

int64_t stride_of(const at::Tensor& x, int64_t dimension) { return x.size(dimension) == 1 ? 0 : x.stride(dimension); }

Attention problem(const Settings& settings, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  const at::Tensor& output, const at::Tensor& statistics) {
    Attention x{};
    x.query = matrix(query);
    x.key = matrix(key);
    x.value = matrix(value);
    x.output = matrix(output);
    x.rows = settings.rows.data();
    x.heads = query.size(1);
    x.key_heads = key.size(1);
    x.dim = query.size(3);
    x.total_tokens = query.size(2);
    x.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(x.dim)));
    x.causal = settings.causal;
    if (settings.mask.defined()) {
        const auto& mask = settings.mask;
        if (mask.scalar_type() == at::kBool) {
            x.allowed = static_cast<const uint8_t*>(mask.data_ptr());
        } else {
            x.added = mask.data_ptr<float>();
        }
        x.mask_batch = stride_of(mask, 0);
        x.mask_head = stride_of(mask, 1);
        x.mask_token = stride_of(mask, 2);
        x.visible = reinterpret_cast<const AttentionRange*>(settings.visible.data_ptr<int32_t>());
        x.visible_batch = stride_of(settings.visible, 0) / 2;
        x.visible_head = stride_of(settings.visible, 1) / 2;
        x.visible_token = stride_of(settings.visible, 2) / 2;
    }
    x.statistics = statistics.defined() ? statistics.data_ptr<float>() : nullptr;
    x.seed = settings.seed;
    x.drop_below = static_cast<uint32_t>(std::lround(settings.dropout * 65536));
    x.keep_scale = x.drop_below >= 65536 ? 0.0f : static_cast<float>(65536.0 / (65536 - x.drop_below));
    int64_t most = 0;
    for (const auto& row : settings.rows) {
        most = std::max(most, row.keys);
    }
    x.places = (most + 31) / 32 * 8;
    return x;
}

// Every task is computed by one thread, whichever comes first: what it gives does not depend on which.
void run(AttentionKernel kernel, const Attention& x, const std::vector<AttentionTask>& tasks) {
    std::atomic<size_t> next{0};
    const auto threads = std::min<size_t>(static_cast<size_t>(at::get_num_threads()), tasks.size());
    at::parallel_for(0, static_cast<int64_t>(threads), 1, [&](int64_t, int64_t) {
        AttentionScratch scratch;
        for (auto i = next.fetch_add(1); i < tasks.size(); i = next.fetch_add(1)) {
            scratch.reset();
            kernel(x, tasks[i], i + threads < tasks.size() ? &tasks[i + threads] : nullptr, scratch);
        }
    });
}

// What a full row of scores would cost; a causal one costs half.
double products(const Settings& settings, const Attention& x) {
    double scores = 0;
    for (const auto& row : settings.rows) {
        scores += static_cast<double>(row.tokens) * static_cast<double>(row.keys);
    }
    return scores * static_cast<double>(x.heads * x.dim) * 2;
}

double bytes_of(const at::Tensor& x) { return static_cast<double>(x.numel() * x.element_size()); }

void attend(const Settings& settings, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
            const at::Tensor& output, const at::Tensor& statistics) {
    const auto x = problem(settings, query, key, value, output, statistics);
    const Measured measured("attention", 2 * products(settings, x),
                            2 * bytes_of(query) + bytes_of(key) + bytes_of(value));
    // The queries of a long row are divided where there are few heads; each part lays the keys out for itself.
    constexpr int64_t part = 256;
    const bool few = static_cast<int64_t>(settings.rows.size()) * x.key_heads < 2 * at::get_num_threads();
    std::vector<AttentionTask> tasks;
    for (size_t i = 0; i < settings.rows.size(); i++) {
        const auto tokens = settings.rows[i].tokens;
        const auto step = few && tokens >= 2 * part ? part : std::max<int64_t>(tokens, 1);
        for (int64_t head = 0; head < x.key_heads; head++) {
            for (int64_t begin = 0; begin < tokens; begin += step) {
                tasks.push_back({static_cast<int64_t>(i), head, begin, std::min(begin + step, tokens)});
            }
        }
    }
    const auto all = kernels();
    run(query.scalar_type() == at::kFloat ? all.forward_float : all.forward_bfloat16, x, tasks);
}

class FusedAttention : public torch::autograd::Function<FusedAttention> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, const std::shared_ptr<Settings>& settings) {
        auto output = token_major(query);
        auto statistics = at::empty({query.size(0), query.size(1), query.size(2), 2}, query.options().dtype(at::kFloat));
        attend(*settings, query, key, value, output, statistics);
        context->save_for_backward({query, key, value, output, statistics});
        context->saved_data["settings"] = at::IValue::make_capsule(c10::make_intrusive<Kept>(settings));
        return output;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const auto& query = saved[0];
        const auto& key = saved[1];
        const auto& value = saved[2];
        const auto capsule = context->saved_data["settings"].toCapsule();
        const auto& settings = *static_cast<const Kept*>(capsule.get())->settings;
        const auto arriving = with_contiguous_rows(upstream[0].to(query.scalar_type()));
        auto query_gradient = token_major(query);
        auto key_gradient = token_major(key);
        auto value_gradient = token_major(value);
        auto x = problem(settings, query, key, value, saved[3], saved[4]);
        x.upstream = matrix(arriving);
        x.query_gradient = matrix(query_gradient);
        x.key_gradient = matrix(key_gradient);
        x.value_gradient = matrix(value_gradient);
        const Measured measured("attention backward", 5 * products(settings, x),
                                4 * bytes_of(query) + 2 * bytes_of(key) + 2 * bytes_of(value));
        std::vector<AttentionTask> tasks;
        for (size_t i = 0; i < settings.rows.size(); i++) {
            for (int64_t head = 0; head < x.key_heads; head++) {
                tasks.push_back({static_cast<int64_t>(i), head, 0, settings.rows[i].tokens});
            }
        }
        const auto all = kernels();
        run(query.scalar_type() == at::kFloat ? all.backward_float : all.backward_bfloat16, x, tasks);
        return {query_gradient, key_gradient, value_gradient, at::Tensor()};
    }

private:
    struct Kept : torch::CustomClassHolder {
        explicit Kept(std::shared_ptr<Settings> kept) : settings(std::move(kept)) {}
        std::shared_ptr<Settings> settings;
    };
};

at::Tensor fused(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, Settings&& settings,
                 double dropout) {
    settings.dropout = dropout;
    settings.seed = dropout > 0 ? new_seed() : 0;
    const auto q = with_contiguous_rows(query);
    const auto k = with_contiguous_rows(key);
    const auto v = with_contiguous_rows(value);
    if (at::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad())) {
        return FusedAttention::apply(q, k, v, std::make_shared<Settings>(std::move(settings)));
    }
    const auto output = token_major(q);
    attend(settings, q, k, v, output, at::Tensor());
    return output;
}

// As a matrix product would take it here.
at::Tensor cast(const at::Tensor& x) {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    const bool enabled = at::autocast::is_autocast_enabled(at::kCPU);
    const auto type = at::autocast::get_autocast_dtype(at::kCPU);
#else
    const bool enabled = at::autocast::is_cpu_enabled();
    const auto type = at::autocast::get_autocast_cpu_dtype();
#endif
    return enabled && x.device().is_cpu() && x.is_floating_point() && x.scalar_type() != at::kDouble ? x.to(type) : x;
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
        Settings settings;
        settings.causal = is_causal != 0;
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
        return fused(q, k, v, std::move(settings), dropout);
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
        Settings settings;
        settings.causal = is_causal != 0;
        for (size_t i = 0; i + 1 < queries.size(); i++) {
            settings.rows.push_back({0, queries[i], keys[i], queries[i + 1] - queries[i], keys[i + 1] - keys[i]});
            TORCH_CHECK(!is_causal || settings.rows.back().keys >= settings.rows.back().tokens,
                        "expected at least as many keys as tokens with is_causal, found ", settings.rows.back().keys,
                        " keys and ", settings.rows.back().tokens, " tokens in row ", i);
        }
        const auto q = cast(*query);
        const auto k = cast(*key);
        const auto v = cast(*value);
        return fusible(q, k, v) ? fused(q, k, v, std::move(settings), dropout)
                                : composed_attention(*query, *key, *value, queries, keys, dropout, is_causal != 0);
    });
}
