// Products of float32 matrices on several threads. The threads of OpenBLAS wait for each other in busy loops several
// times within one product: on a machine that has anything else to do, one that was interrupted holds up all others,
// and a product takes many times longer than on a single thread. Here every thread computes a part of the result on
// its own, and they meet once, at the end. libtorch with another BLAS (MKL) is left alone.
#include "products.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

namespace understudy {

namespace {

constexpr double worth_sharing = 1 << 19;  // multiplications; below, starting the threads costs more
constexpr int64_t tile = 16;               // parts are multiples of it, so that kernels meet few odd edges

// OpenBLAS is told to use one thread, once. False where libtorch has another BLAS.
bool shared_by_us() {
    static const bool found = [] {
        for (const char* name : {"libopenblas.so.0", "libopenblas.so"}) {
            if (void* library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD)) {
                const auto set = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
                if (set != nullptr) {
                    set(1);
                    return true;
                }
            }
        }
        return false;
    }();
    return found;
}

bool ours(const at::Tensor& x, const at::Tensor& y) {
    const auto plain = [](const at::Tensor& tensor) {
        return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.layout() == at::kStrided;
    };
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
    const bool autocast = at::autocast::is_autocast_enabled(at::kCPU);
#else
    const bool autocast = at::autocast::is_cpu_enabled();
#endif
    return plain(x) && plain(y) && !autocast && shared_by_us();
}

// Worker threads start without the caller's modes, the caller's own part must not have them either.
struct PlainKernels {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    c10::impl::ExcludeDispatchKeyGuard no_autocast{c10::DispatchKey::AutocastCPU};
};

// Calls part(begin, length) for as many parts of [0, size) as there are threads.
template <class Part>
void share(int64_t size, int64_t unit, double multiplications, const Part& part) {
    const int64_t threads = at::get_num_threads();
    const auto units = (size + unit - 1) / unit;
    const auto parts = at::in_parallel_region() || multiplications < worth_sharing ? 1 : std::min(threads, units);
    if (parts <= 1) {
        const PlainKernels plain;
        part(0, size);
        return;
    }
    at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
        const PlainKernels plain;
        for (int64_t i = first; i < last; i++) {
            const auto begin = units * i / parts * unit;
            const auto end = std::min(size, units * (i + 1) / parts * unit);
            part(begin, end - begin);
        }
    });
}

// x [m, k] by y [k, n], plus a row where it is given.
at::Tensor product(const at::Tensor& x, const at::Tensor& y, const at::Tensor& row = at::Tensor()) {
    auto result = at::empty({x.size(0), y.size(1)}, x.options());
    const auto work = static_cast<double>(x.size(0)) * static_cast<double>(x.size(1)) * static_cast<double>(y.size(1));
    // The longer side is cut: the other factor is read by every thread.
    const bool by_rows = x.size(0) >= y.size(1);
    share(by_rows ? x.size(0) : y.size(1), tile, work, [&](int64_t begin, int64_t length) {
        auto into = result.narrow(by_rows ? 0 : 1, begin, length);
        const auto left = by_rows ? x.narrow(0, begin, length) : x;
        const auto right = by_rows ? y : y.narrow(1, begin, length);
        if (row.defined()) {
            at::addmm_out(into, by_rows ? row : row.narrow(0, begin, length), left, right);
        } else {
            at::mm_out(into, left, right);
        }
    });
    return result;
}

// x [n, m, k] by y [n, k, p], matrix by matrix.
at::Tensor batch_product(const at::Tensor& x, const at::Tensor& y) {
    auto result = at::empty({x.size(0), x.size(1), y.size(2)}, x.options());
    const auto work = static_cast<double>(x.numel()) * static_cast<double>(y.size(2));
    share(x.size(0), 1, work, [&](int64_t begin, int64_t length) {
        auto into = result.narrow(0, begin, length);
        at::bmm_out(into, x.narrow(0, begin, length), y.narrow(0, begin, length));
    });
    return result;
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class Linear : public torch::autograd::Function<Linear> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const at::Tensor& bias) {
        context->save_for_backward({x, weight});
        context->saved_data["x"] = x.requires_grad();
        context->saved_data["weight"] = weight.requires_grad();
        context->saved_data["bias"] = bias.requires_grad();
        return product(x, weight.t(), bias);
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        const auto& gradient = upstream[0];
        return {context->saved_data["x"].toBool() ? product(gradient, saved[1]) : at::Tensor(),
                context->saved_data["weight"].toBool() ? product(gradient.t(), saved[0]) : at::Tensor(),
                context->saved_data["bias"].toBool() ? gradient.sum(0) : at::Tensor()};
    }
};

class Product : public torch::autograd::Function<Product> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y) {
        context->save_for_backward({x, y});
        context->saved_data["x"] = x.requires_grad();
        context->saved_data["y"] = y.requires_grad();
        return of(x, y);
    }

    static variable_list backward(AutogradContext* context, variable_list upstream) {
        const auto saved = context->get_saved_variables();
        return {context->saved_data["x"].toBool() ? of(upstream[0], saved[1].transpose(-2, -1)) : at::Tensor(),
                context->saved_data["y"].toBool() ? of(saved[0].transpose(-2, -1), upstream[0]) : at::Tensor()};
    }

private:
    static at::Tensor of(const at::Tensor& x, const at::Tensor& y) {
        return x.dim() == 2 ? product(x, y) : batch_product(x, y);
    }
};

// at::matmul of leading dimensions that are equal, which need no expanding.
bool same_batches(const at::Tensor& x, const at::Tensor& y) {
    return x.dim() == y.dim() && x.dim() >= 3 && x.sizes().slice(0, x.dim() - 2) == y.sizes().slice(0, y.dim() - 2);
}

std::vector<int64_t> with_last(at::IntArrayRef sizes, size_t kept, at::IntArrayRef last) {
    std::vector<int64_t> result(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(kept));
    result.insert(result.end(), last.begin(), last.end());
    return result;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const Optional<at::Tensor>& bias) {
    const bool fits = x.dim() >= 2 && weight.dim() == 2 && x.size(-1) == weight.size(1) && x.numel() > 0 &&
                      (!bias.has_value() || (bias->dim() == 1 && bias->size(0) == weight.size(0) &&
                                             bias->scalar_type() == at::kFloat));
    if (!fits || !ours(x, weight)) {
        return at::linear(x, weight, bias);
    }
    const auto rows = x.dim() == 2 ? x : x.reshape({-1, x.size(-1)});
    const auto y = bias.has_value() ? Linear::apply(rows, weight, *bias) : Product::apply(rows, weight.t());
    return x.dim() == 2 ? y : y.view(with_last(x.sizes(), x.dim() - 1, weight.size(0)));
}

at::Tensor matmul(const at::Tensor& x, const at::Tensor& y) {
    const bool fits = x.dim() >= 2 && y.dim() >= 2 && x.size(-1) == y.size(-2) && x.numel() > 0 && y.numel() > 0;
    if (!fits || !ours(x, y)) {
        return at::matmul(x, y);
    }
    if (y.dim() == 2) {
        const auto rows = x.dim() == 2 ? x : x.reshape({-1, x.size(-1)});
        const auto result = Product::apply(rows, y);
        return x.dim() == 2 ? result : result.view(with_last(x.sizes(), x.dim() - 1, y.size(1)));
    }
    if (!same_batches(x, y)) {
        return at::matmul(x, y);
    }
    const auto result = Product::apply(x.reshape({-1, x.size(-2), x.size(-1)}), y.reshape({-1, y.size(-2), y.size(-1)}));
    return result.view(with_last(x.sizes(), x.dim() - 2, {x.size(-2), y.size(-1)}));
}

}  // namespace understudy
