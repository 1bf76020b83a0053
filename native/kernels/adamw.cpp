// AdamW over many parameters in one call, one pass over the memory of each.
// Loshchilov & Hutter 2019 (arXiv 1711.05101) in PyTorch's arrangement of the arithmetic.
#include "abi.h"
#include "kernels/simd.h"
#include "kernels/weight_copies.h"
#include "profile.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <vector>

using namespace understudy;

namespace {

struct Step {
    float decay;       // 1 - learning rate x weight decay
    float beta2;
    float rest1;       // 1 - beta1 and 1 - beta2, taken in double: 1.0f - 0.999f is 0.005% off
    float rest2;
    float step_size;   // learning rate / (1 - beta1 ** step)
    float root;        // sqrt(1 - beta2 ** step)
    float eps;
    float grad_scale;
};

// One parameter's new value; its averages are written.
UNDERSTUDY_INLINE float updated(float parameter, float gradient, float& average, float& square, const Step& step) {
    const float g = gradient * step.grad_scale;
    const float m = average + step.rest1 * (g - average);
    const float v = step.beta2 * square + step.rest2 * g * g;
    average = m;
    square = v;
    return parameter * step.decay - step.step_size * (m / (std::sqrt(v) / step.root + step.eps));
}

UNDERSTUDY_SIMD void update(float* __restrict parameter, const float* __restrict gradient, float* __restrict average,
                            float* __restrict square, int64_t count, Step step) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        parameter[i] = updated(parameter[i], gradient[i], average[i], square[i], step);
    }
}

// The same with the 16-bit copy of the weights that the next step multiplies with.
UNDERSTUDY_SIMD void update_both(float* __restrict parameter, const float* __restrict gradient, float* __restrict average,
                                 float* __restrict square, c10::BFloat16* __restrict copy, int64_t count, Step step) {
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        const float p = updated(parameter[i], gradient[i], average[i], square[i], step);
        parameter[i] = p;
        store(copy, i, p);
    }
}

UNDERSTUDY_SIMD double sum_of_squares(const float* values, int64_t count) {
    double total = 0;
    // Blocks keep the vector sums short: 32-bit lanes, 64-bit total.
    for (int64_t begin = 0; begin < count; begin += 4096) {
        const int64_t end = begin + 4096 < count ? begin + 4096 : count;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = begin; i < end; i++) {
            sum += values[i] * values[i];
        }
        total += sum;
    }
    return total;
}

bool plain_float(const at::Tensor& tensor) {
    return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

void update_composed(at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& average, at::Tensor& square,
                     const Step& step) {
    const auto g = gradient.to(at::kFloat) * step.grad_scale;
    average.lerp_(g, step.rest1);
    square.mul_(step.beta2).addcmul_(g, g, step.rest2);
    const auto denominator = (square.sqrt() / step.root).add_(step.eps);
    parameter.mul_(step.decay).addcdiv_(average.to(parameter.scalar_type()),
                                        denominator.to(parameter.scalar_type()), -step.step_size);
}

}  // namespace

// Parameters without a gradient are left alone. averages and squares are float32 of the parameters' shapes.
// grad_scale multiplies every gradient first (clipping, averaging).
UNDERSTUDY_API int32_t understudy_adamw_step(const Handle* parameters, const Handle* averages, const Handle* squares,
                                             const double* weight_decays, int32_t count, double learning_rate,
                                             double beta1, double beta2, double eps, int64_t step_number,
                                             double grad_scale) {
    return status_of([&] {
        c10::NoGradGuard no_grad;
        Step step{};
        step.beta2 = static_cast<float>(beta2);
        step.rest1 = static_cast<float>(1.0 - beta1);
        step.rest2 = static_cast<float>(1.0 - beta2);
        step.step_size = static_cast<float>(learning_rate / (1.0 - std::pow(beta1, step_number)));
        step.root = static_cast<float>(std::sqrt(1.0 - std::pow(beta2, step_number)));
        step.eps = static_cast<float>(eps);
        step.grad_scale = static_cast<float>(grad_scale);
        for (int32_t i = 0; i < count; i++) {
            auto& parameter = *parameters[i];
            const auto gradient = parameter.grad();
            if (!gradient.defined()) {
                continue;
            }
            step.decay = static_cast<float>(1.0 - learning_rate * weight_decays[i]);
            const auto dense = gradient.contiguous();
            if (!plain_float(parameter) || !plain_float(dense)) {
                update_composed(parameter, dense, *averages[i], *squares[i], step);
                continue;
            }
            auto* p = parameter.data_ptr<float>();
            const auto* g = dense.data_ptr<float>();
            auto* m = averages[i]->data_ptr<float>();
            auto* v = squares[i]->data_ptr<float>();
            const auto copy = known_copy(parameter);
            auto* c = copy.defined() ? copy.data_ptr<c10::BFloat16>() : nullptr;
            const Measured measured("AdamW", 14.0 * parameter.numel(), (c != nullptr ? 30.0 : 28.0) * parameter.numel());
            at::parallel_for(0, parameter.numel(), 16384, [&](int64_t begin, int64_t end) {
                if (c != nullptr) {
                    update_both(p + begin, g + begin, m + begin, v + begin, c + begin, end - begin, step);
                } else {
                    update(p + begin, g + begin, m + begin, v + begin, end - begin, step);
                }
            });
            written(parameter, c != nullptr);
        }
    });
}

// The Euclidean norm of all gradients together; parameters without one count as zero.
UNDERSTUDY_API int32_t understudy_grad_norm(const Handle* parameters, int32_t count, double* norm) {
    return status_of([&] {
        double total = 0;
        for (int32_t i = 0; i < count; i++) {
            const auto gradient = parameters[i]->grad();
            if (!gradient.defined()) {
                continue;
            }
            const auto dense = gradient.contiguous();
            if (!plain_float(dense)) {
                const auto one = at::norm(dense.to(at::kFloat)).item().toDouble();
                total += one * one;
                continue;
            }
            const Measured measured("gradient norm", 2.0 * dense.numel(), 4.0 * dense.numel());
            // Fixed blocks, summed in order: the same norm whatever the number of threads.
            constexpr int64_t block = 65536;
            const auto blocks = (dense.numel() + block - 1) / block;
            std::vector<double> partial(static_cast<size_t>(blocks));
            const auto* values = dense.data_ptr<float>();
            at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
                for (int64_t b = begin; b < end; b++) {
                    const auto size = std::min(block, dense.numel() - b * block);
                    partial[static_cast<size_t>(b)] = sum_of_squares(values + b * block, size);
                }
            });
            for (const auto part : partial) {
                total += part;
            }
        }
        *norm = std::sqrt(total);
    });
}
