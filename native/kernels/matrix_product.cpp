// On two Zen 4 cores bfloat16 products of [1024, 512] and [512, 2048] ran at 383 to 416 GFLOP/s where a 2,048 cubed one did 420; float32
// at 178 to 219, OpenBLAS 0.3.21 with its best kernel at 144 to 187, minutes apart on a busy machine. What did not pay: weights
// packed for every call (4% faster products at 1,024 rows, as much time for the packing at 512).
#include "kernels/matrix_product.h"

#include "profile.h"

#include <ATen/Parallel.h>

#if UNDERSTUDY_ONEDNN
#include <dnnl.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#endif

namespace understudy {

#if UNDERSTUDY_ONEDNN

namespace {

using dnnl::memory;

// What a kernel is made for. Compared as bytes: no padding, all 64-bit.
struct Shape {
    int64_t m, n, k;
    int64_t a0, a1, b0, b1, c0, c1;
    int64_t factor_type, out_type, bias_type;
    int64_t accumulate, threads;

    bool operator==(const Shape& other) const { return std::memcmp(this, &other, sizeof(Shape)) == 0; }
};

struct ShapeHash {
    size_t operator()(const Shape& shape) const {
        int64_t parts[sizeof(Shape) / sizeof(int64_t)];
        std::memcpy(parts, &shape, sizeof(Shape));
        size_t hash = 1469598103934665603u;
        for (const auto part : parts) {
            hash = (hash ^ static_cast<size_t>(part)) * 1099511628211u;
        }
        return hash;
    }
};

struct Kernel {
    dnnl::matmul primitive;
    memory::desc a, b, c, bias, scratch;
};

// Made kernels are small; batches of ever new lengths would still let them grow for ever.
constexpr size_t most_kernels = 4096;

dnnl::engine& engine() {
    static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

memory::data_type type_of(int64_t type) {
    return static_cast<at::ScalarType>(type) == at::kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

// Null when oneDNN has only a reference implementation, which is slower than anything else.
std::unique_ptr<Kernel> make(const Shape& s) {
    auto kernel = std::make_unique<Kernel>();
    kernel->a = memory::desc({s.m, s.k}, type_of(s.factor_type), memory::dims{s.a0, s.a1});
    kernel->b = memory::desc({s.k, s.n}, type_of(s.factor_type), memory::dims{s.b0, s.b1});
    kernel->c = memory::desc({s.m, s.n}, type_of(s.out_type), memory::dims{s.c0, s.c1});
    if (s.bias_type >= 0) {
        kernel->bias = memory::desc({1, s.n}, type_of(s.bias_type), memory::dims{s.n, 1});
    }
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (s.accumulate != 0) {
        dnnl::post_ops operations;
        operations.append_sum(1.0f);
        attributes.set_post_ops(operations);
    }
    try {
#if DNNL_VERSION_MAJOR >= 3
        auto description = s.bias_type >= 0
            ? dnnl::matmul::primitive_desc(engine(), kernel->a, kernel->b, kernel->bias, kernel->c, attributes)
            : dnnl::matmul::primitive_desc(engine(), kernel->a, kernel->b, kernel->c, attributes);
#else
        auto operation = s.bias_type >= 0 ? dnnl::matmul::desc(kernel->a, kernel->b, kernel->bias, kernel->c)
                                          : dnnl::matmul::desc(kernel->a, kernel->b, kernel->c);
        dnnl::matmul::primitive_desc description(operation, attributes, engine());
#endif
        if (std::string(description.impl_info_str()).find("ref") != std::string::npos) {
            return nullptr;
        }
        kernel->scratch = description.scratchpad_desc();
        kernel->primitive = dnnl::matmul(description);
        return kernel;
    } catch (const dnnl::error&) {
        return nullptr;
    }
}

Kernel* find(const Shape& shape) {
    thread_local std::unordered_map<Shape, std::unique_ptr<Kernel>, ShapeHash> kernels;
    const auto found = kernels.find(shape);
    if (found != kernels.end()) {
        return found->second.get();
    }
    if (kernels.size() >= most_kernels) {
        kernels.clear();
    }
    return kernels.emplace(shape, make(shape)).first->second.get();
}

// What oneDNN takes: rows or columns one after the other that do not overlap.
bool plain(const at::Tensor& x) {
    return x.dim() == 2 && x.device().is_cpu() && x.stride(0) > 0 && x.stride(1) > 0 &&
           ((x.stride(1) == 1 && (x.stride(0) >= x.size(1) || x.size(0) == 1)) ||
            (x.stride(0) == 1 && (x.stride(1) >= x.size(0) || x.size(1) == 1)));
}

// The stride of a dimension of size 1 may be anything; oneDNN wants one that could be stepped with.
std::pair<int64_t, int64_t> strides(const at::Tensor& x) {
    const bool row_major = x.stride(1) == 1 || x.size(1) == 1;
    return row_major ? std::make_pair(std::max(x.stride(0), x.size(1)), int64_t{1})
                     : std::make_pair(int64_t{1}, std::max(x.stride(1), x.size(0)));
}

}  // namespace

bool has_matrix_product(at::ScalarType factors) {
    static const bool wide = [] {
        const auto isa = dnnl::get_effective_cpu_isa();
        return isa >= dnnl::cpu_isa::avx2;
    }();
    static const bool narrow = [] {
        const auto isa = dnnl::get_effective_cpu_isa();
        return isa >= dnnl::cpu_isa::avx512_core && isa != dnnl::cpu_isa::avx2_vnni;
    }();
    return factors == at::kFloat ? wide : factors == at::kBFloat16 && narrow;
}

bool product(const at::Tensor& a, const at::Tensor& b, at::Tensor& out, const at::Tensor& bias, bool accumulate) {
    if (!plain(a) || !plain(b) || !plain(out) || a.numel() == 0 || b.numel() == 0) {
        return false;
    }
    const auto factors = a.scalar_type();
    Shape shape{};
    shape.m = a.size(0);
    shape.k = a.size(1);
    shape.n = b.size(1);
    std::tie(shape.a0, shape.a1) = strides(a);
    std::tie(shape.b0, shape.b1) = strides(b);
    std::tie(shape.c0, shape.c1) = strides(out);
    shape.factor_type = static_cast<int64_t>(factors);
    shape.out_type = static_cast<int64_t>(out.scalar_type());
    shape.bias_type = bias.defined() ? static_cast<int64_t>(bias.scalar_type()) : -1;
    shape.accumulate = accumulate ? 1 : 0;
    shape.threads = at::get_num_threads();
    auto* kernel = find(shape);
    if (kernel == nullptr) {
        return false;
    }
    const Measured measured(factors == at::kFloat ? "matrix product, float32" : "matrix product, bfloat16",
                            2.0 * shape.m * shape.n * shape.k,
                            a.nbytes() + b.nbytes() + out.nbytes() * (accumulate ? 2.0 : 1.0));
    thread_local dnnl::stream stream(engine());
    auto scratch = at::empty({static_cast<int64_t>(kernel->scratch.get_size())}, at::kByte);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, memory(kernel->a, engine(), a.data_ptr())},
        {DNNL_ARG_WEIGHTS, memory(kernel->b, engine(), b.data_ptr())},
        {DNNL_ARG_DST, memory(kernel->c, engine(), out.data_ptr())},
        {DNNL_ARG_SCRATCHPAD, memory(kernel->scratch, engine(), scratch.data_ptr())},
    };
    if (bias.defined()) {
        arguments.emplace(DNNL_ARG_BIAS, memory(kernel->bias, engine(), bias.data_ptr()));
    }
    kernel->primitive.execute(stream, arguments);
    return true;
}

#else

bool has_matrix_product(at::ScalarType) { return false; }

bool product(const at::Tensor&, const at::Tensor&, at::Tensor&, const at::Tensor&, bool) { return false; }

#endif

}  // namespace understudy
