// y = x W^T + b with its gradients. Under autocast W is the kept 16-bit copy, and the gradient of W comes out of the product
// in float32: nothing of the size of a weight is cast.
#include "abi.h"
#include "kernels/autocast.h"
#include "kernels/column_sums.h"
#include "kernels/matrix_product.h"
#include "kernels/weight_copies.h"

#include <torch/csrc/autograd/custom_function.h>

using namespace understudy;

namespace {

// Fewer rows than this are the business of other kernels: a product with one row is a matter of memory.
constexpr int64_t fewest_rows = 16;

bool dense(const at::Tensor& weight) {
    return weight.dim() == 2 && weight.device().is_cpu() && weight.is_non_overlapping_and_dense() &&
           (weight.stride(0) == 1 || weight.stride(1) == 1);
}

at::Tensor as(const at::Tensor& x, at::ScalarType type) { return x.scalar_type() == type ? x : x.to(type); }

at::Tensor weight_of(const at::Tensor& weight, at::ScalarType type) {
    return weight.scalar_type() == type ? weight.detach()
           : type == at::kBFloat16 && weight.scalar_type() == at::kFloat ? bfloat16_copy(weight)
                                                                         : weight.detach().to(type);
}

void multiply(const at::Tensor& a, const at::Tensor& b, at::Tensor& out, const at::Tensor& bias = {}) {
    if (product(a, b, out, bias)) {
        return;
    }
    auto result = at::matmul(a, b);
    if (bias.defined()) {
        result += bias;
    }
    out.copy_(result);
}

// Layers of one input: x is cast and kept once, and its gradient is added up inside the products.
class Linear : public torch::autograd::Function<Linear> {
public:
    // parts: the weights [out, in] of all layers, then the biases of those whose bit is set in biased.
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                                                  at::TensorList parts, int64_t layers, int64_t biased, at::ScalarType type) {
        const auto narrow = as(x, type).contiguous();
        const auto rows = narrow.view({-1, narrow.size(-1)});
        torch::autograd::variable_list saved{at::Tensor()};
        torch::autograd::variable_list results;
        auto sizes = x.sizes().vec();
        size_t next_bias = static_cast<size_t>(layers);
        for (int64_t i = 0; i < layers; i++) {
            const auto& weight = parts[static_cast<size_t>(i)];
            const auto bias = (biased >> i & 1) != 0 ? parts[next_bias++].detach() : at::Tensor();
            // x is kept for the weights' gradients alone, and the weights for that of x.
            if (weight.requires_grad()) {
                saved[0] = narrow;
            }
            saved.push_back(weight);
            sizes.back() = weight.size(0);
            auto y = at::empty(sizes, narrow.options());
            auto flat = y.view({-1, weight.size(0)});
            multiply(rows, weight_of(weight, type).t(), flat, bias);
            results.push_back(y);
        }
        c10::List<int64_t> bias_types;
        for (size_t i = static_cast<size_t>(layers); i < parts.size(); i++) {
            bias_types.push_back(parts[i].requires_grad() ? static_cast<int64_t>(parts[i].scalar_type()) : -1);
        }
        context->save_for_backward(saved);
        context->set_materialize_grads(false);
        context->saved_data["x"] = static_cast<int64_t>(x.scalar_type());
        context->saved_data["needs_x"] = x.requires_grad();
        context->saved_data["type"] = static_cast<int64_t>(type);
        context->saved_data["biased"] = biased;
        context->saved_data["bias_types"] = bias_types;
        return results;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const auto layers = upstream.size();
        const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
        const auto biased = context->saved_data["biased"].toInt();
        const auto bias_types = context->saved_data["bias_types"].toIntVector();
        torch::autograd::variable_list of_weights(layers);
        torch::autograd::variable_list of_biases(bias_types.size());
        at::Tensor of_x;
        size_t next_bias = 0;
        for (size_t i = 0; i < layers; i++) {
            const auto own_bias = (biased >> i & 1) != 0 ? next_bias++ : bias_types.size();
            if (!upstream[i].defined()) {
                continue;
            }
            const auto& weight = saved[i + 1];
            const auto arriving = as(upstream[i], type).contiguous();
            const auto rows = arriving.view({-1, weight.size(0)});
            if (context->saved_data["needs_x"].toBool()) {
                add_product(rows, weight_of(weight, type), of_x, arriving, static_cast<at::ScalarType>(context->saved_data["x"].toInt()));
            }
            if (weight.requires_grad()) {
                // In the memory order of the weight, so that the optimiser goes through both alike.
                of_weights[i] = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
                multiply(rows.t(), saved[0].view({-1, weight.size(1)}), of_weights[i]);
            }
            if (own_bias < bias_types.size() && bias_types[own_bias] >= 0) {
                of_biases[own_bias] = as(column_sums(rows), static_cast<at::ScalarType>(bias_types[own_bias]));
            }
        }
        torch::autograd::variable_list gradients{of_x};
        gradients.insert(gradients.end(), of_weights.begin(), of_weights.end());
        gradients.insert(gradients.end(), of_biases.begin(), of_biases.end());
        gradients.resize(gradients.size() + 3);
        return gradients;
    }

private:
    // sum (+)= rows weight, sum made in the shape of arriving at the first time.
    static void add_product(const at::Tensor& rows, const at::Tensor& weight, at::Tensor& sum, const at::Tensor& arriving, at::ScalarType type) {
        const bool first = !sum.defined();
        if (first) {
            auto sizes = arriving.sizes().vec();
            sizes.back() = weight.size(1);
            sum = at::empty(sizes, arriving.options().dtype(type));
        }
        auto flat = sum.view({-1, weight.size(1)});
        if (!product(rows, weight, flat, {}, !first)) {
            const auto own = at::matmul(rows, weight);
            if (first) {
                flat.copy_(own);
            } else {
                flat.add_(own);
            }
        }
    }
};

bool floating(const at::Tensor& x) { return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16; }

bool fits(const at::Tensor& x, const at::Tensor& weight, const Optional<at::Tensor>& bias) {
    const bool mixed = casts_to_bfloat16();
    const auto type = multiplied_type(x);
    return x.device().is_cpu() && x.dim() >= 1 && floating(x) && floating(weight) && dense(weight) &&
           x.size(-1) == weight.size(1) && weight.numel() > 0 && x.numel() >= fewest_rows * weight.size(1) &&
           (mixed || x.scalar_type() == weight.scalar_type()) && has_matrix_product(type) &&
           (!bias.has_value() || (floating(*bias) && bias->is_contiguous() && bias->dim() == 1 && bias->size(0) == weight.size(0) && (mixed || bias->scalar_type() == type)));
}

}  // namespace

UNDERSTUDY_API Handle understudy_linear(ConstHandle x, ConstHandle weight, ConstHandle bias) {
    return tensor_of([&]() -> at::Tensor {
        const auto added = optional(bias);
        if (!fits(*x, *weight, added)) {
            return at::linear(*x, *weight, added);
        }
        std::vector<at::Tensor> parts{*weight};
        if (added.has_value()) {
            parts.push_back(*added);
        }
        return Linear::apply(*x, at::TensorList(parts), int64_t{1}, static_cast<int64_t>(added.has_value() ? 1 : 0), multiplied_type(*x))[0];
    });
}

// Several layers of one input; a bias may be null. results [count] are the caller's.
UNDERSTUDY_API int32_t understudy_linears(ConstHandle x, const ConstHandle* weights, const ConstHandle* biases, int32_t count, Handle* results) {
    return status_of([&] {
        std::vector<at::Tensor> parts;
        std::vector<at::Tensor> added;
        int64_t biased = 0;
        bool all = true;
        for (int32_t i = 0; i < count; i++) {
            const auto bias = optional(biases[i]);
            all = all && fits(*x, *weights[i], bias);
            parts.push_back(*weights[i]);
            if (bias.has_value()) {
                added.push_back(*bias);
                biased |= int64_t{1} << i;
            }
        }
        torch::autograd::variable_list outputs;
        if (all) {
            parts.insert(parts.end(), added.begin(), added.end());
            outputs = Linear::apply(*x, at::TensorList(parts), static_cast<int64_t>(count), biased, multiplied_type(*x));
        } else {
            for (int32_t i = 0; i < count; i++) {
                outputs.push_back(at::linear(*x, *weights[i], optional(biases[i])));
            }
        }
        for (int32_t i = 0; i < count; i++) {
            results[i] = wrap(outputs[static_cast<size_t>(i)]);
        }
    });
}
