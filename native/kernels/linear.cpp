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

class Linear : public torch::autograd::Function<Linear> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const Optional<at::Tensor>& given_bias, at::ScalarType type) {
        const auto bias = given_bias.has_value() ? given_bias->detach() : at::Tensor();
        const auto narrow = as(x, type).contiguous();
        // x is kept for the weight's gradient alone, and the weight for that of x.
        context->save_for_backward({weight.requires_grad() ? narrow : at::Tensor(), weight});
        context->saved_data["x"] = static_cast<int64_t>(x.scalar_type());
        context->saved_data["type"] = static_cast<int64_t>(type);
        context->saved_data["bias"] = given_bias.has_value() && given_bias->requires_grad() ? static_cast<int64_t>(bias.scalar_type()) : int64_t{-1};
        context->saved_data["needs_x"] = x.requires_grad();
        auto sizes = x.sizes().vec();
        sizes.back() = weight.size(0);
        auto y = at::empty(sizes, narrow.options());
        auto rows = y.view({-1, weight.size(0)});
        multiply(narrow.view({-1, weight.size(1)}), weight_of(weight, type).t(), rows, bias);
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        at::AutoDispatchBelowADInplaceOrView guard;
        const auto saved = context->get_saved_variables();
        const auto& weight = saved[1];
        const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
        const auto arriving = as(upstream[0], type).contiguous();
        const auto rows = arriving.view({-1, weight.size(0)});
        at::Tensor of_x, of_weight, of_bias;
        if (context->saved_data["needs_x"].toBool()) {
            auto sizes = arriving.sizes().vec();
            sizes.back() = weight.size(1);
            of_x = at::empty(sizes, arriving.options().dtype(static_cast<at::ScalarType>(context->saved_data["x"].toInt())));
            auto flat = of_x.view({-1, weight.size(1)});
            multiply(rows, weight_of(weight, type), flat);
        }
        if (saved[0].defined()) {
            // In the memory order of the weight, so that the optimiser goes through both alike.
            of_weight = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
            multiply(rows.t(), saved[0].view({-1, weight.size(1)}), of_weight);
        }
        if (const auto bias_type = context->saved_data["bias"].toInt(); bias_type >= 0) {
            of_bias = as(column_sums(rows), static_cast<at::ScalarType>(bias_type));
        }
        return {of_x, of_weight, of_bias, at::Tensor()};
    }
};

}  // namespace

UNDERSTUDY_API Handle understudy_linear(ConstHandle x, ConstHandle weight, ConstHandle bias) {
    return tensor_of([&]() -> at::Tensor {
        const auto added = optional(bias).value_or(at::Tensor());
        const auto floating = [](const at::Tensor& t) { return t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16; };
        const bool mixed = casts_to_bfloat16();
        const auto type = multiplied_type(*x);
        const bool fits = x->device().is_cpu() && x->dim() >= 1 && floating(*x) && floating(*weight) && dense(*weight) &&
                          x->size(-1) == weight->size(1) && x->numel() >= fewest_rows * weight->size(1) &&
                          (mixed || x->scalar_type() == weight->scalar_type()) && has_matrix_product(type) &&
                          (!added.defined() || (floating(added) && added.is_contiguous() && added.dim() == 1 && (mixed || added.scalar_type() == type)));
        if (!fits) {
            return at::linear(*x, *weight, optional(bias));
        }
        return Linear::apply(*x, *weight, optional(bias), type);
    });
}
