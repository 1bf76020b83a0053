// Scaled dot-product attention without scores in memory, forward and backward, for the CPU.
//
// Measured on a Zen 4 with AVX512_BF16 (bf16 products 223, fp32 111 GFLOP/s a core at most), processor time of one thread, the
// same run, against matmul, softmax, dropout, matmul and their gradients. GFLOP/s count forward and backward as if nothing
// were hidden; inputs are parts of a fused projection.
//   batch x heads x tokens, dim 64   bf16            fp32
//   8 x 8 x 128, causal              194 (2.1 x)     115 (2.6 x)
//   the same with dropout 0.1        190 (3.7 x)     104 (3.3 x)
//   32 x 4 x 64, causal              149 (2.1 x)      84 (2.0 x)
//   16 x 12 x 64, dropout 0.1        109 (2.2 x)      62 (1.9 x)
//   2 x 8 x 512, causal              260 (2.4 x)     146 (2.4 x)
//   2 x 8 x 512                      146 (1.1 x)      85 (1.2 x)
//   32 x 12 x 32, dim 32              67 (1.2 x)      47 (1.7 x)
// Best of five rounds, on a machine that others used as well; what two threads reach together on an idle one was not measured.
// One query, 8 x 8 heads, 512 keys, by wall time of two threads beside other work: 7.8 x in bf16, 1.0 x in fp32; four or eight
// queries and 300 keys in fp32 took 1.2 times as long as the composed path.
#include "kernels/attention_function.h"

#include "kernels/isa.h"
#include "profile.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
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

uint64_t new_seed() {
    const auto generator = at::detail::getDefaultCPUGenerator();
    auto* numbers = at::check_generator<at::CPUGeneratorImpl>(generator);
    const std::lock_guard<std::mutex> lock(numbers->mutex_);
    return numbers->random64();
}

AttentionMatrix matrix(const at::Tensor& x) { return {x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)}; }

// [batch, heads, tokens, dim] in memory as [batch, tokens, heads, dim].
at::Tensor token_major(const at::Tensor& like) {
    const auto heads = like.size(1);
    const auto tokens = like.size(2);
    const auto dim = like.size(3);
    return at::empty_strided(like.sizes(), {tokens * heads * dim, dim, heads * dim, 1}, like.options());
}

int64_t stride_of(const at::Tensor& x, int64_t dimension) { return x.size(dimension) == 1 ? 0 : x.stride(dimension); }

Attention problem(const AttentionSettings& settings, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
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
double products(const AttentionSettings& settings, const Attention& x) {
    double scores = 0;
    for (const auto& row : settings.rows) {
        scores += static_cast<double>(row.tokens) * static_cast<double>(row.keys);
    }
    return scores * static_cast<double>(x.heads * x.dim) * 2;
}

double bytes_of(const at::Tensor& x) { return static_cast<double>(x.numel() * x.element_size()); }

void attend(const AttentionSettings& settings, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
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
                              const at::Tensor& value, const std::shared_ptr<AttentionSettings>& settings) {
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
        explicit Kept(std::shared_ptr<AttentionSettings> kept) : settings(std::move(kept)) {}
        std::shared_ptr<AttentionSettings> settings;
    };
};

}  // namespace

at::Tensor with_contiguous_rows(const at::Tensor& x) { return x.size(3) == 1 || x.stride(3) == 1 ? x : x.contiguous(); }

at::Tensor fused_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, AttentionSettings settings) {
    settings.seed = settings.dropout > 0 ? new_seed() : 0;
    const auto q = with_contiguous_rows(query);
    const auto k = with_contiguous_rows(key);
    const auto v = with_contiguous_rows(value);
    if (at::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad())) {
        return FusedAttention::apply(q, k, v, std::make_shared<AttentionSettings>(std::move(settings)));
    }
    const auto output = token_major(q);
    attend(settings, q, k, v, output, at::Tensor());
    return output;
}

}  // namespace understudy
