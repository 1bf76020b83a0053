// Shared by every file of the C ABI over libtorch: the handle type, the error contract, the live-tensor count.
//
// Contract: an exported function never throws. One that returns a tensor returns nullptr on failure; one that
// returns a status returns 0 on success and -1 on failure. understudy_last_error() then holds the text for this
// thread. A returned tensor is owned by the caller and released with understudy_tensor_free.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#define UNDERSTUDY_API extern "C" __attribute__((visibility("default")))

#ifndef TORCH_VERSION_MAJOR
#include <torch/version.h>
#endif

#define UNDERSTUDY_TORCH_AT_LEAST(major, minor) \
    (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

using Handle = at::Tensor*;
using ConstHandle = const at::Tensor*;

// Mirrors Understudy.Torch.Scalar: kind 0 = integer (bits), 1 = floating (bits of a double), 2 = boolean.
struct NativeScalar {
    int64_t bits;
    int32_t kind;
};

namespace understudy {

#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
template <class T>
using Optional = std::optional<T>;
inline constexpr auto none = std::nullopt;
#else
template <class T>
using Optional = c10::optional<T>;
inline constexpr auto none = c10::nullopt;
#endif

extern std::atomic<int64_t> live_tensors;

void set_error(const std::exception& error) noexcept;
void set_error(const char* text) noexcept;

at::Scalar to_scalar(NativeScalar value);

inline Handle wrap(at::Tensor tensor) {
    auto* handle = new at::Tensor(std::move(tensor));
    live_tensors.fetch_add(1, std::memory_order_relaxed);
    return handle;
}

inline at::IntArrayRef sizes(const int64_t* values, int32_t count) {
    return {values, static_cast<size_t>(count)};
}

// nullptr and a handle to an undefined tensor both mean "not given".
inline Optional<at::Tensor> optional(ConstHandle tensor) {
    if (tensor == nullptr || !tensor->defined()) {
        return none;
    }
    return *tensor;
}

template <class Operation>
Handle tensor_of(Operation&& operation) noexcept {
    try {
        return wrap(operation());
    } catch (const std::exception& error) {
        set_error(error);
    } catch (...) {
        set_error("libtorch threw something that is not a std::exception.");
    }
    return nullptr;
}

template <class Operation>
int32_t status_of(Operation&& operation) noexcept {
    try {
        operation();
        return 0;
    } catch (const std::exception& error) {
        set_error(error);
    } catch (...) {
        set_error("libtorch threw something that is not a std::exception.");
    }
    return -1;
}

}  // namespace understudy
