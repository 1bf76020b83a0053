// An output layer and its cross-entropy as one operation. The gradient is computed where the logits are, in place and in
// their type, and the products with it follow at once: at 1,024 tokens x 50,304 classes the logits (103 MB in 16 bits) are
// gone before the backward pass begins, and rows that do not count cost nothing. A large batch goes through in parts.
#include "abi.h"
#include "kernels/autocast.h"
#include "kernels/column_sums.h"
#include "kernels/matrix_product.h"
#include "kernels/simd.h"
#include "kernels/softmax_rows.h"
#include "kernels/targets.h"
#include "kernels/weight_copies.h"
#include "profile.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

using namespace understudy;

namespace {

// The most memory for logits at once.
constexpr int64_t most_bytes = int64_t{256} << 20;

// Products are made for a number of rows; rounded up, batches of different lengths share them.
constexpr int64_t row_step = 32;

struct Targets {
    const int64_t* ids;
    const float* weights;
    float smoothing;
};

// The losses of some rows are added up in order, and their logits become their gradient when it is wanted.
template <class T>
double consume(at::Tensor& logits, int64_t counted, const Targets& targets, bool gradient) {
    const auto classes = logits.size(1);
    auto* data = logits.data_ptr<T>();
    std::vector<double> losses(static_cast<size_t>(counted));
    const float spread = targets.smoothing / static_cast<float>(classes);
    const Measured measured("cross-entropy", 0, logits.nbytes() * (gradient ? 2.0 : 1.0));
    at::parallel_for(0, logits.size(0), 1, [&](int64_t begin, int64_t end) {
        std::vector<float> powers(gradient ? static_cast<size_t>(classes) : 0);
        for (int64_t r = begin; r < end; r++) {
            auto* row = data + r * classes;
            if (r >= counted || targets.weights[r] == 0) {
                if (r < counted) {
                    losses[static_cast<size_t>(r)] = 0;
                }
                if (gradient) {
                    std::memset(static_cast<void*>(row), 0, sizeof(T) * static_cast<size_t>(classes));
                }
                continue;
            }
            const float scale = targets.weights[r];
            const float target = load(row, targets.ids[r]);
            const auto sums = gradient ? row_to_gradient(row, powers.data(), classes, scale, spread) : row_sums_of(row, classes);
            const double mean = targets.smoothing > 0 ? static_cast<double>(sums.sum) / static_cast<double>(classes) : 0;
            losses[static_cast<size_t>(r)] = scale * (sums.log_sum_exp - (1.0 - targets.smoothing) * target - targets.smoothing * mean);
            if (gradient) {
                const float probability = exponential(target - sums.log_sum_exp);
                store(row, targets.ids[r], scale * (probability - spread - (1.0f - targets.smoothing)));
            }
        }
    });
    double total = 0;
    for (const auto loss : losses) {
        total += loss;
    }
    return total;
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
public:
    // x [rows, features]; ids and weights of all rows, weights 0 where a row does not count.
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const Optional<at::Tensor>& given_bias, const at::Tensor& ids, const at::Tensor& weights,
                              double smoothing, at::ScalarType type, bool gradients) {
        const bool needs_x = gradients && x.requires_grad();
        const bool needs_weight = gradients && weight.requires_grad();
        const bool needs_bias = gradients && given_bias.has_value() && given_bias->requires_grad();
        const bool gradient = needs_x || needs_weight || needs_bias;
        const auto bias = given_bias.has_value() ? given_bias->detach() : at::Tensor();
        const auto multiplied = type == weight.scalar_type() ? weight.detach() : bfloat16_copy(weight);
        const auto kept = at::nonzero(weights).view(-1);
        const auto counted = kept.size(0);
        const auto classes = weight.size(0);
        const auto width = at::elementSize(type);
        const auto part = std::max<int64_t>(most_bytes / (classes * static_cast<int64_t>(width)) / row_step, 2) * row_step;
        at::Tensor of_x, of_weight, of_bias;
        if (needs_x) {
            of_x = at::zeros(x.sizes(), x.options());
        }
        if (needs_weight) {
            of_weight = counted == 0 ? at::zeros_like(weight) : at::empty_like(weight);
        }
        if (needs_bias) {
            of_bias = at::zeros({classes}, x.options().dtype(at::kFloat));
        }
        double total = 0;
        for (int64_t first = 0; first < counted; first += part) {
            const auto own = std::min(part, counted - first);
            const auto rows = (own + row_step - 1) / row_step * row_step;
            const auto places = kept.narrow(0, first, own);
            auto input = at::empty({rows, x.size(1)}, x.options().dtype(type));
            input.narrow(0, 0, own).copy_(x.detach().index_select(0, places));
            input.narrow(0, own, rows - own).zero_();
            const auto own_ids = ids.index_select(0, places);
            const auto own_weights = weights.index_select(0, places);
            auto logits = at::empty({rows, classes}, input.options());
            TORCH_CHECK(product(input, multiplied.t(), logits, bias), "the output layer has no matrix product here");
            const Targets targets{own_ids.data_ptr<int64_t>(), own_weights.data_ptr<float>(), static_cast<float>(smoothing)};
            total += type == at::kBFloat16 ? consume<c10::BFloat16>(logits, own, targets, gradient)
                                           : consume<float>(logits, own, targets, gradient);
            if (needs_x) {
                auto arriving = at::empty({rows, x.size(1)}, x.options());
                TORCH_CHECK(product(logits, multiplied, arriving), "the output layer has no matrix product here");
                of_x.index_copy_(0, places, arriving.narrow(0, 0, own));
            }
            if (needs_weight) {
                TORCH_CHECK(product(logits.t(), input, of_weight, {}, first > 0), "the output layer has no matrix product here");
            }
            if (needs_bias) {
                of_bias += column_sums(logits);
            }
        }
        context->save_for_backward({of_x, of_weight, of_bias.defined() ? of_bias.to(given_bias->scalar_type()) : of_bias});
        return at::scalar_tensor(total, at::TensorOptions().dtype(at::kFloat));
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        at::AutoDispatchBelowADInplaceOrView guard;
        auto saved = context->get_saved_variables();
        const auto scale = upstream[0].item().toFloat();
        for (auto& gradient : saved) {
            if (gradient.defined() && scale != 1.0f) {
                gradient = gradient * scale;
            }
        }
        return {saved[0], saved[1], saved[2], at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

// sum over rows of weight x cross-entropy(x W^T + b, target), where understudy_has_linear_cross_entropy says that it can be.
UNDERSTUDY_API Handle understudy_linear_cross_entropy(ConstHandle x, ConstHandle weight, ConstHandle bias, ConstHandle targets,
                                                      ConstHandle weights, double label_smoothing) {
    return tensor_of([&]() -> at::Tensor {
        TORCH_CHECK(x->dim() == 2 && weight->dim() == 2 && x->size(1) == weight->size(1),
                    "expected x [rows, features] and a weight [classes, features], found ", x->sizes(), " and ", weight->sizes());
        const auto given_bias = optional(bias);
        TORCH_CHECK(!given_bias.has_value() || (given_bias->dim() == 1 && given_bias->size(0) == weight->size(0)),
                    "expected a bias [", weight->size(0), "], found ", given_bias->sizes());
        const auto counted = counted_targets(*targets, *weights, x->size(0), weight->size(0), label_smoothing);
        return LinearCrossEntropy::apply(*x, *weight, given_bias, counted, weights->contiguous(),
                                         label_smoothing, multiplied_type(*x), c10::GradMode::is_enabled());
    });
}

// Whether the operation above can be asked for: on the CPU, for a weight that products take as it is.
UNDERSTUDY_API int32_t understudy_has_linear_cross_entropy(ConstHandle x, ConstHandle weight, ConstHandle bias) {
    bool has = false;
    // What cannot be looked at has none: the operations that stand in for it say why.
    status_of([&] {
        const auto added = optional(bias);
        const auto plain = [](const at::Tensor& t) { return t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16; };
        const auto type = multiplied_type(*x);
        has = x->device().is_cpu() && plain(*x) && plain(*weight) && weight->is_contiguous() && has_matrix_product(type) &&
              (!added.has_value() || (plain(*added) && added->is_contiguous() && (casts_to_bfloat16() || added->scalar_type() == type))) &&
              (weight->scalar_type() == type || (type == at::kBFloat16 && weight->scalar_type() == at::kFloat));
    });
    return has ? 1 : 0;
}
