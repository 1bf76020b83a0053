// Where the time goes: every operation of libtorch, every kernel of our own that says so, and what is in neither.
//
// Operations nest, so a stack of open ones is kept; the time of one is what passed while it was the innermost. The times
// therefore add up to what passed in the outermost, and what measuring takes is a row of its own.
#include "profile.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi.h"

namespace understudy {

std::atomic<bool> profiling{false};

namespace {

struct Row {
    int64_t calls = 0;
    double seconds = 0;
    double operations = 0;
    double bytes = 0;
};

struct Open {
    Row* row;
    double since;  // when it was last the innermost
    double operations;
    double bytes;
    bool backward;
    double operations_inside = 0;  // what the operations that it called computed
    double bytes_inside = 0;       // and moved
};

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Names of autograd nodes are those of C++ classes.
std::string plain(std::string_view name) {
    std::string text(name);
    for (const std::string_view part : {"torch::autograd::CppNode<", "torch::autograd::", "(anonymous namespace)::", "understudy::"}) {
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part)) {
            text.erase(at, part.size());
        }
    }
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == '>' || c == '\t' || c == '\n'; }), text.end());
    return text;
}

class Profile {
public:
    void enter(const char* name, bool gradient, double operations, double bytes, double at) {
        const bool backward = gradient || (!open_.empty() && open_.back().backward);
        if (!open_.empty()) {
            open_.back().row->seconds += at - open_.back().since;
        }
        open_.push_back({&row(name, backward), 0, operations, bytes, backward});
        const double then = now();
        own_.seconds += then - at;
        open_.back().since = then;
    }

    // extra: bytes that were known only at the end.
    void leave(double extra, double at) {
        if (open_.empty()) {
            return;
        }
        const Open ended = open_.back();
        open_.pop_back();
        ended.row->calls++;
        ended.row->seconds += at - ended.since;
        const double bytes = ended.bytes + extra;
        ended.row->operations += std::max(0.0, ended.operations - ended.operations_inside);
        ended.row->bytes += std::max(0.0, bytes - ended.bytes_inside);
        if (!open_.empty()) {
            open_.back().operations_inside += std::max(ended.operations, ended.operations_inside);
            open_.back().bytes_inside += std::max(bytes, ended.bytes_inside);
            const double then = now();
            own_.seconds += then - at;
            open_.back().since = then;
        }
    }

    std::string text() const {
        std::string lines;
        std::array<char, 160> numbers;
        const auto add = [&](const std::string& name, const Row& row) {
            std::snprintf(numbers.data(), numbers.size(), "\t%lld\t%.9g\t%.9g\t%.9g\n", static_cast<long long>(row.calls), row.seconds, row.operations, row.bytes);
            lines += name;
            lines += numbers.data();
        };
        for (const auto& [name, row] : rows_) {
            add(name, row);
        }
        add("taking the profile\t0", own_);
        return lines;
    }

    at::CallbackHandle callback = 0;

private:
    Row& row(const char* name, bool backward) {
        // Names of operations are constants and few, those of nodes are not: neither is worth more than a look-up by text.
        key_.assign(name);
        if (key_.find("::") != std::string::npos && key_.compare(0, 6, "aten::") != 0) {
            key_ = plain(key_);
        }
        key_ += backward ? "\t1" : "\t0";
        return rows_[key_];
    }

    std::unordered_map<std::string, Row> rows_;
    std::vector<Open> open_;
    Row own_;
    std::string key_;
};

thread_local std::unique_ptr<Profile> profile;

double bytes_of(const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.has_storage()) {
        return 0;
    }
    // An expanded tensor has more numbers than memory.
    return std::min(static_cast<double>(tensor.nbytes()), static_cast<double>(tensor.storage().nbytes()));
}

double bytes_of(const c10::IValue& value) {
    if (value.isTensor()) {
        return bytes_of(value.toTensor());
    }
    double sum = 0;
    if (value.isTensorList()) {
        for (const at::Tensor& tensor : value.toTensorVector()) {
            sum += bytes_of(tensor);
        }
    }
    return sum;
}

bool is_one_of(const char* name, std::initializer_list<std::string_view> names) {
    const std::string_view text(name);
    return text.substr(0, 6) == "aten::" && std::find(names.begin(), names.end(), text.substr(6)) != names.end();
}

// Operations that say something about memory and touch none of it.
bool moves_nothing(const char* name) {
    return is_one_of(name, {"view", "reshape", "_reshape_alias", "_unsafe_view", "as_strided", "expand", "expand_as", "t", "transpose", "permute", "select", "slice", "narrow",
                            "squeeze", "unsqueeze", "alias", "detach", "detach_", "unbind", "split", "chunk", "unflatten", "flatten", "empty", "empty_like", "empty_strided",
                            "resize_", "set_", "view_as", "requires_grad_", "resolve_conj", "resolve_neg", "is_nonzero", "result_type", "to", "contiguous", "numel", "size"});
}

// What was in the outputs before, or most of a table, is not read.
bool reads_as_much_as_it_writes(const char* name) {
    return is_one_of(name, {"embedding", "index_select", "gather", "index", "copy_"});
}

bool only_writes(const char* name) {
    return is_one_of(name, {"zero_", "fill_", "normal_", "uniform_", "bernoulli_", "zeros_like", "ones_like", "arange"});
}

// Additions and multiplications of the products. Composite ones (linear, matmul) call these.
double operations_of(const char* name, c10::ArrayRef<const c10::IValue> inputs) {
    size_t first;
    if (is_one_of(name, {"mm", "bmm", "mv"})) {
        first = 0;
    } else if (is_one_of(name, {"addmm", "addmm_", "baddbmm", "baddbmm_", "addmv"})) {
        first = 1;
    } else {
        return 0;
    }
    if (inputs.size() < first + 2 || !inputs[first].isTensor() || !inputs[first + 1].isTensor()) {
        return 0;
    }
    const auto& left = inputs[first].toTensor();
    const auto& right = inputs[first + 1].toTensor();
    const double columns = right.dim() > 1 ? static_cast<double>(right.size(-1)) : 1;
    return 2.0 * static_cast<double>(left.numel()) * columns;
}

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction& function) {
    if (profile != nullptr) {
        const double at = now();
        const bool node = function.scope() == at::RecordScope::BACKWARD_FUNCTION;
        const char* name = function.name();
        double operations = 0;
        double bytes = 0;
        if (!node) {
            operations = operations_of(name, function.inputs());
            if (!moves_nothing(name) && !reads_as_much_as_it_writes(name) && !only_writes(name)) {
                for (const auto& input : function.inputs()) {
                    bytes += bytes_of(input);
                }
            }
        }
        profile->enter(name, node, operations, bytes, at);
    }
    return nullptr;
}

void on_leave(const at::RecordFunction& function, at::ObserverContext*) {
    if (profile != nullptr) {
        const double at = now();
        const char* name = function.name();
        double bytes = 0;
        if (function.scope() != at::RecordScope::BACKWARD_FUNCTION && !moves_nothing(name)) {
            for (const auto& output : function.outputs()) {
                bytes += bytes_of(output);
            }
            bytes *= reads_as_much_as_it_writes(name) ? 2 : 1;
        }
        profile->leave(bytes, at);
    }
}

}  // namespace

bool Measured::begin(const char* operation, double operations, double bytes) noexcept {
    if (profile == nullptr) {
        return false;
    }
    profile->enter(operation, false, operations, bytes, now());
    return true;
}

void Measured::end() noexcept {
    if (profile != nullptr) {
        profile->leave(0, now());
    }
}

}  // namespace understudy

using namespace understudy;

UNDERSTUDY_API int32_t understudy_profile_start() {
    return status_of([] {
        auto begun = std::make_unique<Profile>();
        if (profiling.exchange(true)) {
            throw std::runtime_error("A profile is being taken already. Stop it first.");
        }
        profile = std::move(begun);
        profile->callback = at::addThreadLocalCallback(at::RecordFunctionCallback(on_enter, on_leave)
                                                           .needsInputs(true)
                                                           .needsOutputs(true)
                                                           .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE}));
    });
}

// One line for each operation: name, 1 for backward, calls, seconds, operations, bytes, with tabs between them. Valid
// until the next call on this thread.
UNDERSTUDY_API const char* understudy_profile_stop() {
    thread_local std::string text;
    const auto status = status_of([] {
        if (profile == nullptr) {
            throw std::runtime_error("No profile is being taken on this thread.");
        }
        profiling.store(false);
        at::removeCallback(profile->callback);
        text = profile->text();
        profile.reset();
    });
    return status < 0 ? nullptr : text.c_str();
}

// Counts what follows, until the matching exit, under a name; nothing where no profile is being taken on this thread.
UNDERSTUDY_API void understudy_profile_enter(const char* name, int32_t backward) {
    if (profile != nullptr) {
        profile->enter(name, backward != 0, 0, 0, now());
    }
}

UNDERSTUDY_API void understudy_profile_exit() {
    if (profile != nullptr) {
        profile->leave(0, now());
    }
}
