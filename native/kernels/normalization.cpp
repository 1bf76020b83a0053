// Layer normalisation (Ba, Kiros and Hinton, arXiv 1607.06450) and root mean square normalisation (Zhang and Sennrich,
// arXiv 1910.07467) over the last dimension, with what stands around them in a model: the copy in 16 bit that the next
// matrix product takes, a second normalisation of the same numbers, and the way around it, whose gradient is added in
// the same backward pass.
//
// Library operations over this, forward and backward at [1024, 512] on two Zen 4 cores, float32 in and bfloat16 out: layer norm
// 1.5, with the way around it 1.6, with a second norm as well 2.2, twice 1.3; RMS norm with the way around it 5.6.
#include "abi.h"
#include "kernels/mixed.h"
#include "kernels/simd.h"
#include "profile.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace understudy;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Sums in 64 lanes of their own: one after the other, additions wait for each other. What a lane has of a row are a few
// terms; they are added up in float64, since an error of these sums is one of the whole row.
constexpr int64_t lanes = 64;

template <class Term>
UNDERSTUDY_INLINE double sum_of(int64_t count, Term&& term) {
    float sums[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
#pragma omp simd
        for (int64_t j = 0; j < lanes; j++) {
            sums[j] += term(i + j);
        }
    }
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t j = i; j < count; j++) {
        total += static_cast<double>(term(j));
    }
#pragma omp simd reduction(+ : total)
    for (int64_t j = 0; j < lanes; j++) {
        total += static_cast<double>(sums[j]);
    }
    return total;
}

struct Moments {
    float mean;
    float scale;  // 1 / sqrt(variance + eps)
};

UNDERSTUDY_SIMD Moments moments(const float* x, int64_t width, float eps, bool centred) {
    const auto count = static_cast<double>(width);
    const auto mean = centred ? static_cast<float>(sum_of(width, [=](int64_t i) { return x[i]; }) / count) : 0.0f;
    const auto squares = sum_of(width, [=](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
    return {mean, static_cast<float>(1.0 / std::sqrt(squares / count + static_cast<double>(eps)))};
}

UNDERSTUDY_INLINE float rounded(float value) {
    c10::BFloat16 narrow;
    store(&narrow, 0, value);
    return load(&narrow, 0);
}

UNDERSTUDY_SIMD void widen(const c10::BFloat16* from, float* to, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        to[i] = load(from, i);
    }
}

template <class T>
UNDERSTUDY_INLINE void scale_row(const float* x, Moments at, const float* weight, const float* bias, bool round, T* y,
                                 int64_t width) {
    if (bias != nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            store(y, i, (x[i] - at.mean) * at.scale * weight[i] + bias[i]);
        }
    } else if (round) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            store(y, i, rounded(x[i] * at.scale) * weight[i]);
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            store(y, i, (x[i] - at.mean) * at.scale * weight[i]);
        }
    }
}
UNDERSTUDY_SIMD void scale_row_of(const float* x, Moments at, const float* weight, const float* bias, bool round,
                                  float* y, int64_t width) {
    scale_row(x, at, weight, bias, round, y, width);
}
UNDERSTUDY_SIMD void scale_row_of(const float* x, Moments at, const float* weight, const float* bias, bool round,
                                  c10::BFloat16* y, int64_t width) {
    scale_row(x, at, weight, bias, round, y, width);
}

// Adds an arriving gradient: times the weight to `inner`, and to the sums for the weight and the bias where they are.
template <class T>
UNDERSTUDY_INLINE void gather_row(const T* upstream, const float* x, Moments at, const float* weight, float* inner,
                                  float* for_weight, float* for_bias, int64_t width) {
#pragma omp simd
    for (int64_t i = 0; i < width; i++) {
        inner[i] += load(upstream, i) * weight[i];
    }
    if (for_weight != nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            for_weight[i] += load(upstream, i) * ((x[i] - at.mean) * at.scale);
        }
    }
    if (for_bias != nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            for_bias[i] += load(upstream, i);
        }
    }
}
UNDERSTUDY_SIMD void gather_row_of(const float* upstream, const float* x, Moments at, const float* weight, float* inner,
                                   float* for_weight, float* for_bias, int64_t width) {
    gather_row(upstream, x, at, weight, inner, for_weight, for_bias, width);
}
UNDERSTUDY_SIMD void gather_row_of(const c10::BFloat16* upstream, const float* x, Moments at, const float* weight,
                                   float* inner, float* for_weight, float* for_bias, int64_t width) {
    gather_row(upstream, x, at, weight, inner, for_weight, for_bias, width);
}

template <class T>
UNDERSTUDY_INLINE void finish_row(const float* inner, const float* x, Moments at, bool centred, const T* around, T* gradient,
                                  int64_t width) {
    const auto count = static_cast<double>(width);
    const auto mean = centred ? static_cast<float>(sum_of(width, [=](int64_t i) { return inner[i]; }) / count) : 0.0f;
    const auto along = static_cast<float>(sum_of(width, [=](int64_t i) { return inner[i] * ((x[i] - at.mean) * at.scale); }) / count);
    if (around != nullptr) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            const float own = at.scale * (inner[i] - mean - (x[i] - at.mean) * at.scale * along);
            store(gradient, i, own + load(around, i));
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < width; i++) {
            store(gradient, i, at.scale * (inner[i] - mean - (x[i] - at.mean) * at.scale * along));
        }
    }
}
UNDERSTUDY_SIMD void finish_row_of(const float* inner, const float* x, Moments at, bool centred, const float* around,
                                   float* gradient, int64_t width) {
    finish_row(inner, x, at, centred, around, gradient, width);
}
UNDERSTUDY_SIMD void finish_row_of(const float* inner, const float* x, Moments at, bool centred, const c10::BFloat16* around,
                                   c10::BFloat16* gradient, int64_t width) {
    finish_row(inner, x, at, centred, around, gradient, width);
}

// A row in float32: where it lies, or widened into a buffer.
const float* row_of(const at::Tensor& x, int64_t row, int64_t width, float* buffer) {
    if (x.scalar_type() == at::kFloat) {
        return x.data_ptr<float>() + row * width;
    }
    widen(x.data_ptr<c10::BFloat16>() + row * width, buffer, width);
    return buffer;
}

int64_t rows_at_once(int64_t width) { return std::max<int64_t>(1, 16384 / width); }

struct Scales {
    at::Tensor weight;
    at::Tensor bias;  // undefined without
};

// What comes out besides: the input again, and for every pair of scales a tensor of each of these types.
struct Wanted {
    bool around;
    at::ScalarType type;
    bool also_narrow;  // and in bfloat16
};

class Normalization {
public:
    Normalization(const at::Tensor& x, std::vector<Scales> scales, double eps, bool centred)
        : x_(x.contiguous()), scales_(std::move(scales)), eps_(static_cast<float>(eps)), centred_(centred),
          width_(x.size(-1)), rows_(x.numel() / x.size(-1)) {
        for (auto& pair : scales_) {
            pair.weight = pair.weight.to(at::kFloat).contiguous();
            pair.bias = pair.bias.defined() ? pair.bias.to(at::kFloat).contiguous() : pair.bias;
        }
    }

    // `moments`, [rows, 2], is filled where it is defined.
    variable_list forward(Wanted wanted, at::Tensor& moments_kept) const {
        variable_list outputs;
        for (size_t i = 0; i < scales_.size(); i++) {
            outputs.push_back(at::empty(x_.sizes(), x_.options().dtype(wanted.type)));
            if (wanted.also_narrow) {
                outputs.push_back(at::empty(x_.sizes(), x_.options().dtype(at::kBFloat16)));
            }
        }
        const Measured measured(centred_ ? "layer_norm" : "rms_norm", 8.0 * static_cast<double>(x_.numel()), bytes(outputs));
        auto* kept = moments_kept.defined() ? moments_kept.data_ptr<float>() : nullptr;
        const bool round = !centred_ && x_.scalar_type() == at::kBFloat16;
        at::parallel_for(0, rows_, rows_at_once(width_), [&](int64_t begin, int64_t end) {
            std::vector<float> buffer(static_cast<size_t>(width_));
            for (int64_t r = begin; r < end; r++) {
                const auto* row = row_of(x_, r, width_, buffer.data());
                const auto at = moments(row, width_, eps_, centred_);
                if (kept != nullptr) {
                    kept[2 * r] = at.mean;
                    kept[2 * r + 1] = at.scale;
                }
                size_t next = 0;
                for (const auto& pair : scales_) {
                    const auto* weight = pair.weight.data_ptr<float>();
                    const auto* bias = pair.bias.defined() ? pair.bias.data_ptr<float>() : nullptr;
                    for (int copy = 0; copy < (wanted.also_narrow ? 2 : 1); copy++) {
                        const auto& y = outputs[next++];
                        if (y.scalar_type() == at::kFloat) {
                            scale_row_of(row, at, weight, bias, round, y.data_ptr<float>() + r * width_, width_);
                        } else {
                            scale_row_of(row, at, weight, bias, round, y.data_ptr<c10::BFloat16>() + r * width_, width_);
                        }
                    }
                }
            }
        });
        return outputs;
    }

    // `upstream` as forward's outputs, undefined where nothing arrives; gives the input's gradient, and for every pair
    // that of the weight and of the bias, as sums in float32.
    at::Tensor backward(const at::Tensor& kept_moments, const variable_list& upstream, const at::Tensor& around,
                        bool weights, std::vector<Scales>& sums) const {
        const auto pairs = static_cast<int64_t>(scales_.size());
        const auto copies = static_cast<int64_t>(upstream.size()) / pairs;
        auto gradient = at::empty_like(x_);
        // As many partial sums as the rows make, whatever the number of threads; they are added in their order.
        const auto blocks = std::clamp<int64_t>(rows_ / 64, 1, 64);
        const auto partial_width = 2 * pairs * width_;
        at::Tensor partials;
        if (weights) {
            partials = at::empty({blocks, partial_width}, at::kFloat);
        }
        const Measured measured(centred_ ? "layer_norm backward" : "rms_norm backward", 16.0 * static_cast<double>(x_.numel()),
                                bytes(upstream) + static_cast<double>(gradient.nbytes()));
        const auto* kept = kept_moments.data_ptr<float>();
        at::parallel_for(0, blocks, std::max<int64_t>(1, rows_at_once(width_) * blocks / rows_), [&](int64_t begin, int64_t end) {
            std::vector<float> buffers(static_cast<size_t>(2 * width_));
            auto* inner = buffers.data() + width_;
            for (int64_t block = begin; block < end; block++) {
                float* partial = nullptr;
                if (weights) {
                    partial = partials.data_ptr<float>() + block * partial_width;
                    std::fill_n(partial, partial_width, 0.0f);
                }
                for (int64_t r = rows_ * block / blocks; r < rows_ * (block + 1) / blocks; r++) {
                    const auto* row = row_of(x_, r, width_, buffers.data());
                    const Moments at{kept[2 * r], kept[2 * r + 1]};
                    std::fill_n(inner, width_, 0.0f);
                    for (int64_t i = 0; i < pairs * copies; i++) {
                        const auto& arriving = upstream[static_cast<size_t>(i)];
                        if (!arriving.defined()) {
                            continue;
                        }
                        const auto pair = i / copies;
                        const auto& scales = scales_[static_cast<size_t>(pair)];
                        auto* for_weight = partial == nullptr ? nullptr : partial + 2 * pair * width_;
                        auto* for_bias = partial == nullptr || !scales.bias.defined() ? nullptr : for_weight + width_;
                        if (arriving.scalar_type() == at::kFloat) {
                            gather_row_of(arriving.data_ptr<float>() + r * width_, row, at, scales.weight.data_ptr<float>(),
                                          inner, for_weight, for_bias, width_);
                        } else {
                            gather_row_of(arriving.data_ptr<c10::BFloat16>() + r * width_, row, at,
                                          scales.weight.data_ptr<float>(), inner, for_weight, for_bias, width_);
                        }
                    }
                    if (x_.scalar_type() == at::kFloat) {
                        finish<float>(inner, row, at, around, gradient, r);
                    } else {
                        finish<c10::BFloat16>(inner, row, at, around, gradient, r);
                    }
                }
            }
        });
        if (weights) {
            add_up(partials, blocks, sums);
        }
        return gradient;
    }

private:
    template <class T>
    void finish(const float* inner, const float* row, Moments at, const at::Tensor& around, at::Tensor& gradient, int64_t r) const {
        finish_row_of(inner, row, at, centred_, around.defined() ? around.data_ptr<T>() + r * width_ : nullptr,
                      gradient.data_ptr<T>() + r * width_, width_);
    }

    void add_up(const at::Tensor& partials, int64_t blocks, std::vector<Scales>& sums) const {
        const auto pairs = static_cast<int64_t>(scales_.size());
        const auto* from = partials.data_ptr<float>();
        for (int64_t pair = 0; pair < pairs; pair++) {
            Scales sum{at::zeros({width_}, at::kFloat), at::zeros({width_}, at::kFloat)};
            for (int64_t block = 0; block < blocks; block++) {
                const auto* weight = from + (block * pairs + pair) * 2 * width_;
                auto* for_weight = sum.weight.data_ptr<float>();
                auto* for_bias = sum.bias.data_ptr<float>();
                for (int64_t i = 0; i < width_; i++) {
                    for_weight[i] += weight[i];
                    for_bias[i] += weight[width_ + i];
                }
            }
            sums.push_back(std::move(sum));
        }
    }

    double bytes(const variable_list& others) const {
        auto total = static_cast<double>(x_.nbytes());
        for (const auto& other : others) {
            total += other.defined() ? static_cast<double>(other.nbytes()) : 0;
        }
        return total;
    }

    at::Tensor x_;
    std::vector<Scales> scales_;
    float eps_;
    bool centred_;
    int64_t width_;
    int64_t rows_;
};

std::vector<Scales> pairs_of(const at::Tensor& weight, const Optional<at::Tensor>& bias,
                             const Optional<at::Tensor>& second_weight, const Optional<at::Tensor>& second_bias) {
    std::vector<Scales> pairs{{weight, bias.value_or(at::Tensor())}};
    if (second_weight.has_value()) {
        pairs.push_back({*second_weight, second_bias.value_or(at::Tensor())});
    }
    return pairs;
}

class Normalize : public torch::autograd::Function<Normalize> {
public:
    static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                                 const Optional<at::Tensor>& bias, const Optional<at::Tensor>& second_weight,
                                 const Optional<at::Tensor>& second_bias, double eps, bool centred, bool around,
                                 at::ScalarType type, bool also_narrow) {
        context->set_materialize_grads(false);
        auto moments = at::empty({x.numel() / x.size(-1), 2}, at::kFloat);
        const Normalization normalization(x, pairs_of(weight, bias, second_weight, second_bias), eps, centred);
        auto outputs = normalization.forward({around, type, also_narrow}, moments);
        context->save_for_backward({x, weight, bias.value_or(at::Tensor()), second_weight.value_or(at::Tensor()),
                                    second_bias.value_or(at::Tensor()), moments});
        context->saved_data["how"] = (centred ? 1 : 0) + (around ? 2 : 0);
        if (around) {
            outputs.insert(outputs.begin(), x);
        }
        return outputs;
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const auto how = context->saved_data["how"].toInt();
        at::Tensor around;
        if ((how & 2) != 0) {
            around = upstream[0].defined() ? upstream[0].contiguous() : upstream[0];
            upstream.erase(upstream.begin());
        }
        variable_list result(10);
        bool arrives = false;
        for (auto& one : upstream) {
            arrives |= one.defined();
            one = one.defined() ? one.contiguous() : one;
        }
        if (!arrives) {
            result[0] = around;
            return result;
        }
        bool weights = false;
        for (size_t edge = 1; edge < 5 && edge < edges(saved); edge++) {
            weights |= context->needs_input_grad(edge);
        }
        const Optional<at::Tensor> none_given = none;
        const auto given = [&](size_t i) { return saved[i].defined() ? Optional<at::Tensor>(saved[i]) : none_given; };
        const Normalization normalization(saved[0], pairs_of(saved[1], given(2), given(3), given(4)), 0, (how & 1) != 0);
        std::vector<Scales> sums;
        result[0] = normalization.backward(saved[5], upstream, around, weights, sums);
        for (size_t pair = 0; pair < sums.size(); pair++) {
            const auto& weight = saved[1 + 2 * pair];
            const auto& bias = saved[2 + 2 * pair];
            result[1 + 2 * pair] = sums[pair].weight.to(weight.scalar_type());
            result[2 + 2 * pair] = bias.defined() ? sums[pair].bias.to(bias.scalar_type()) : at::Tensor();
        }
        return result;
    }

private:
    // Tensors among the inputs: those that are not given have no edge.
    static size_t edges(const variable_list& saved) {
        size_t count = 0;
        for (size_t i = 0; i < 5; i++) {
            count += saved[i].defined() ? 1 : 0;
        }
        return count;
    }
};

// The same by library operations.
at::Tensor composed(const at::Tensor& x, const Scales& scales, double eps, bool centred) {
    if (centred) {
        return at::layer_norm(x, {x.size(-1)}, scales.weight, scales.bias, eps);
    }
    const auto wide = x.to(at::kFloat);
    const auto scale = (wide * wide).mean(-1, true).add(eps).rsqrt();
    return (wide * scale).to(x.scalar_type()) * scales.weight;
}

bool fits(const at::Tensor& x, const Scales& scales) {
    const auto plain = [&](const at::Tensor& part) {
        return part.device().is_cpu() && (part.scalar_type() == at::kFloat || part.scalar_type() == at::kBFloat16) &&
               part.dim() == 1 && part.size(0) == x.size(-1);
    };
    return is_fusible(x) && x.dim() > 0 && scales.weight.defined() && plain(scales.weight) &&
           (!scales.bias.defined() || plain(scales.bias));
}

enum Outputs : int32_t { around = 1, full = 2, for_products = 4 };

// In the order of Outputs, the last two for each pair of scales.
variable_list normalize(const at::Tensor& x, const std::vector<Scales>& pairs, double eps, bool centred, int32_t outputs) {
    const auto& first = pairs[0];
    // Composed, only the RMS norm's product with the weight widens what comes out.
    const auto type = centred ? x.scalar_type() : at::promote_types(x.scalar_type(), first.weight.scalar_type());
    const auto lower = x.device().is_cpu() ? product_type(type) : type;
    const bool both = (outputs & (full | for_products)) == (full | for_products);
    const bool is_fused = std::all_of(pairs.begin(), pairs.end(), [&](const Scales& pair) { return fits(x, pair); }) &&
                          (lower == type || lower == at::kBFloat16);
    variable_list results;
    if (!is_fused) {
        if ((outputs & around) != 0) {
            results.push_back(x);
        }
        for (const auto& pair : pairs) {
            const auto y = composed(x, pair, eps, centred);
            if ((outputs & full) != 0) {
                results.push_back(y);
            }
            if ((outputs & for_products) != 0) {
                results.push_back(y);
            }
        }
        return results;
    }
    const bool also_narrow = both && lower != type;
    const auto written = (outputs & full) != 0 ? type : lower;
    const bool second = pairs.size() > 1;
    const auto& other = pairs.back();
    const bool records = needs_gradient({&x, &first.weight, &first.bias, &other.weight, &other.bias});
    if (records) {
        const auto given = [](const at::Tensor& tensor, bool is) { return is && tensor.defined() ? Optional<at::Tensor>(tensor) : Optional<at::Tensor>(); };
        results = Normalize::apply(x, first.weight, given(first.bias, true), given(other.weight, second),
                                   given(other.bias, second), eps, centred, (outputs & around) != 0, written, also_narrow);
    } else {
        at::Tensor nothing_kept;
        results = Normalization(x, pairs, eps, centred).forward({false, written, also_narrow}, nothing_kept);
        if ((outputs & around) != 0) {
            results.insert(results.begin(), x);
        }
    }
    if (both && !also_narrow) {
        const size_t begin = (outputs & around) != 0 ? 1 : 0;
        for (size_t i = 0; i < pairs.size(); i++) {
            results.insert(results.begin() + static_cast<std::ptrdiff_t>(begin + 2 * i + 1), results[begin + 2 * i]);
        }
    }
    return results;
}

}  // namespace

UNDERSTUDY_API Handle understudy_layer_norm(ConstHandle x, const int64_t* shape, int32_t dims, ConstHandle weight,
                                            ConstHandle bias, double eps) {
    return tensor_of([&]() -> at::Tensor {
        const auto given_weight = optional(weight);
        const auto given_bias = optional(bias);
        if (dims == 1 && given_weight.has_value() && given_bias.has_value() && x->dim() > 0 && shape[0] == x->size(-1)) {
            return normalize(*x, {{*given_weight, *given_bias}}, eps, true, full)[0];
        }
        return at::layer_norm(*x, sizes(shape, dims), given_weight, given_bias, eps);
    });
}

// A layer norm, or an RMS norm where there is no bias; results: see Outputs, as many as were asked for.
UNDERSTUDY_API int32_t understudy_normalize(ConstHandle x, ConstHandle weight, ConstHandle bias, ConstHandle second_weight,
                                            ConstHandle second_bias, double eps, int32_t centred, int32_t outputs,
                                            Handle* results) {
    return status_of([&] {
        const auto defined = [](ConstHandle tensor) { return optional(tensor).value_or(at::Tensor()); };
        std::vector<Scales> pairs{{*weight, defined(bias)}};
        if (optional(second_weight).has_value()) {
            pairs.push_back({*second_weight, defined(second_bias)});
        }
        for (const auto& pair : pairs) {
            TORCH_CHECK(x->dim() > 0 && pair.weight.dim() == 1 && pair.weight.size(0) == x->size(-1) &&
                            (!pair.bias.defined() || pair.bias.sizes() == pair.weight.sizes()),
                        "expected a weight and a bias of the last dimension of x ", x->sizes(), ", found ", pair.weight.sizes());
        }
        const auto tensors = normalize(*x, pairs, eps, centred != 0, outputs);
        for (size_t i = 0; i < tensors.size(); i++) {
            results[i] = wrap(tensors[i]);
        }
    });
}
