// Cross-entropy against class indices in one pass over the logits, with its gradient: no softmax is kept, no
// 32-bit copy of 16-bit logits is made. At 1,024 tokens x 50,304 classes that copy alone would be 206 MB a step.
#include "abi.h"
#include "kernels/simd.h"
#include "kernels/softmax_rows.h"
#include "kernels/targets.h"
#include "profile.h"

#include <torch/csrc/autograd/custom_function.h>

using namespace understudy;

namespace {

template <class T>
double forward_rows(const at::Tensor& logits, const int64_t* targets, const float* weights, double smoothing,
                    float* log_sum_exp) {
    const auto rows = logits.size(0);
    const auto classes = logits.size(1);
    const auto* data = logits.data_ptr<T>();
    const Measured measured("cross-entropy", 0, static_cast<double>(logits.nbytes()));
    // One partial sum per row, added in row order: the result does not depend on how rows fell to threads.
    auto losses = at::empty({rows}, at::kDouble);
    auto* loss = losses.data_ptr<double>();
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
            loss[r] = 0;
            if (weights[r] == 0) {
                continue;
            }
            const auto* row = data + r * classes;
            const auto sums = row_sums_of(row, classes);
            log_sum_exp[r] = sums.log_sum_exp;
            const double target = load(row, targets[r]);
            const double mean = smoothing > 0 ? static_cast<double>(sums.sum) / static_cast<double>(classes) : 0;
            loss[r] = weights[r] * (sums.log_sum_exp - (1 - smoothing) * target - smoothing * mean);
        }
    });
    double total = 0;
    for (int64_t r = 0; r < rows; r++) {
        total += loss[r];
    }
    return total;
}

template <class T>
void backward_rows(const at::Tensor& logits, at::Tensor& gradient, const int64_t* targets, const float* weights,
                   const float* log_sum_exp, float smoothing, float upstream) {
    const auto rows = logits.size(0);
    const auto classes = logits.size(1);
    const auto* data = logits.data_ptr<T>();
    auto* out = gradient.data_ptr<T>();
    const Measured measured("cross-entropy backward", 0, 2.0 * static_cast<double>(logits.nbytes()));
    const float spread = smoothing / static_cast<float>(classes);
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
            auto* into = out + r * classes;
            if (weights[r] == 0) {
                std::memset(static_cast<void*>(into), 0, sizeof(T) * static_cast<size_t>(classes));
                continue;
            }
            const auto* row = data + r * classes;
            const float scale = weights[r] * upstream;
            row_gradient_of(row, into, classes, log_sum_exp[r], scale, spread);
            const float probability = exponential(load(row, targets[r]) - log_sum_exp[r]);
            store(into, targets[r], scale * (probability - spread - (1.0f - smoothing)));
        }
    });
}

// logits [rows, classes] float32 or bfloat16; targets [rows] int64; weights [rows] float32, 0 = row is not counted.
class CrossEntropy : public torch::autograd::Function<CrossEntropy> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits,
                              const at::Tensor& targets, const at::Tensor& weights, double smoothing) {
        auto log_sum_exp = at::zeros({logits.size(0)}, at::kFloat);
        const auto* ids = targets.data_ptr<int64_t>();
        const auto* row_weights = weights.data_ptr<float>();
        auto* lse = log_sum_exp.data_ptr<float>();
        const double total = logits.scalar_type() == at::kBFloat16
                                 ? forward_rows<c10::BFloat16>(logits, ids, row_weights, smoothing, lse)
                                 : forward_rows<float>(logits, ids, row_weights, smoothing, lse);
        context->save_for_backward({logits, targets, weights, log_sum_exp});
        context->saved_data["smoothing"] = smoothing;
        return at::scalar_tensor(total, at::TensorOptions().dtype(at::kFloat));
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const auto& logits = saved[0];
        auto gradient = at::empty_like(logits);
        const auto smoothing = static_cast<float>(context->saved_data["smoothing"].toDouble());
        const auto scale = upstream[0].item().toFloat();
        const auto* ids = saved[1].data_ptr<int64_t>();
        const auto* weights = saved[2].data_ptr<float>();
        const auto* lse = saved[3].data_ptr<float>();
        if (logits.scalar_type() == at::kBFloat16) {
            backward_rows<c10::BFloat16>(logits, gradient, ids, weights, lse, smoothing, scale);
        } else {
            backward_rows<float>(logits, gradient, ids, weights, lse, smoothing, scale);
        }
        return {gradient, at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

// The same value by library operations, for other devices and types.
at::Tensor composed(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights, double smoothing) {
    auto log_probabilities = at::log_softmax(logits, -1, at::kFloat);
    auto loss = -log_probabilities.gather(1, targets.unsqueeze(1)).squeeze(1) * (1 - smoothing);
    if (smoothing > 0) {
        loss = loss - log_probabilities.mean(1) * smoothing;
    }
    return at::where(weights == 0, at::zeros_like(loss), loss * weights).sum();
}

}  // namespace

// sum over rows of weight x cross-entropy(logits row, target); targets of rows with weight 0 are not looked at.
UNDERSTUDY_API Handle understudy_weighted_cross_entropy(ConstHandle logits, ConstHandle targets, ConstHandle weights,
                                                        double label_smoothing) {
    return tensor_of([&]() -> at::Tensor {
        TORCH_CHECK(logits->dim() == 2, "expected logits [rows, classes], found ", logits->sizes());
        const auto counted = counted_targets(*targets, *weights, logits->size(0), logits->size(1), label_smoothing);
        const bool fused = logits->device().is_cpu() &&
                           (logits->scalar_type() == at::kFloat || logits->scalar_type() == at::kBFloat16);
        if (!fused) {
            return composed(*logits, counted, *weights, label_smoothing);
        }
        return CrossEntropy::apply(logits->contiguous(), counted, weights->contiguous(), label_smoothing);
    });
}
