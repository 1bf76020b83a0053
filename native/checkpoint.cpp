// Gradient checkpointing (Chen et al., arXiv 1604.06174): a part of the graph keeps what went into it alone, and computes
// the rest again when its gradient is asked for. The part is .NET code, which is called back.
#include "abi.h"
#include "checkpoint.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

using namespace understudy;

namespace {

struct AutocastState {
    bool cpu;
    bool cuda;
    bool cache;
    at::ScalarType cpu_dtype;
    at::ScalarType cuda_dtype;

    static AutocastState current() {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
        return {at::autocast::is_autocast_enabled(at::kCPU), at::autocast::is_autocast_enabled(at::kCUDA),
                at::autocast::is_autocast_cache_enabled(), at::autocast::get_autocast_dtype(at::kCPU),
                at::autocast::get_autocast_dtype(at::kCUDA)};
#else
        return {at::autocast::is_cpu_enabled(), at::autocast::is_enabled(), at::autocast::is_autocast_cache_enabled(),
                at::autocast::get_autocast_cpu_dtype(), at::autocast::get_autocast_gpu_dtype()};
#endif
    }

    void set() const {
#if UNDERSTUDY_TORCH_AT_LEAST(2, 4)
        at::autocast::set_autocast_enabled(at::kCPU, cpu);
        at::autocast::set_autocast_enabled(at::kCUDA, cuda);
        at::autocast::set_autocast_dtype(at::kCPU, cpu_dtype);
        at::autocast::set_autocast_dtype(at::kCUDA, cuda_dtype);
#else
        at::autocast::set_cpu_enabled(cpu);
        at::autocast::set_enabled(cuda);
        at::autocast::set_autocast_cpu_dtype(cpu_dtype);
        at::autocast::set_autocast_gpu_dtype(cuda_dtype);
#endif
        at::autocast::set_autocast_cache_enabled(cache);
    }
};

struct RandomState {
    at::Generator generator;
    at::Tensor state;

    static RandomState of(at::Generator generator) {
        const std::lock_guard<std::mutex> lock(generator.mutex());
        return {generator, generator.get_state()};
    }

    void set() const {
        auto target = generator;
        const std::lock_guard<std::mutex> lock(target.mutex());
        target.set_state(state);
    }
};

// What a computation depends on besides its inputs. It belongs to a thread (autocast) and to devices (random numbers).
struct Surroundings {
    AutocastState autocast;
    std::vector<RandomState> random;

    static Surroundings of(const std::vector<at::Device>& devices) {
        Surroundings found{AutocastState::current(), {}};
        for (const auto& device : devices) {
            found.random.push_back(RandomState::of(at::globalContext().defaultGenerator(device)));
        }
        return found;
    }

    void set() const {
        autocast.set();
        for (const auto& state : random) {
            state.set();
        }
    }
};

// Puts surroundings in place and, at its end, the former ones back.
class Within {
public:
    Within(const Surroundings& surroundings, const std::vector<at::Device>& devices) : before_(Surroundings::of(devices)) {
        at::autocast::increment_nesting();
        surroundings.set();
    }
    ~Within() {
        if (at::autocast::decrement_nesting() == 0) {
            at::autocast::clear_cache();
        }
        try {
            before_.set();
        } catch (...) {
            // The states come from these very generators: they fit.
        }
    }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

private:
    Surroundings before_;
};

// Owns the handle of a .NET object.
class ManagedObject {
public:
    ManagedObject(void* handle, void (*release)(void*)) : handle_(handle), release_(release) {}
    ~ManagedObject() {
        if (handle_ != nullptr) {
            release_(handle_);
        }
    }
    ManagedObject(const ManagedObject&) = delete;
    ManagedObject& operator=(const ManagedObject&) = delete;

    void* get() const { return handle_; }

private:
    void* handle_;
    void (*release_)(void*);
};

using Recompute = Handle (*)(void* context, Handle* inputs, void** exception);

class Checkpoint final : public torch::autograd::Node {
public:
    Checkpoint(const at::Tensor* const* inputs, int32_t count, Surroundings surroundings, std::vector<at::Device> devices,
               Recompute recompute, void (*release)(void*), std::unique_ptr<ManagedObject> context)
        : surroundings_(std::move(surroundings)),
          devices_(std::move(devices)),
          recompute_(recompute),
          release_(release),
          context_(std::move(context)) {
        for (int32_t i = 0; i < count; i++) {
            saved_.emplace_back(*inputs[i], /*is_output=*/false);
        }
    }

    std::string name() const override { return "Checkpoint"; }

    torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
        torch::autograd::variable_list result(saved_.size());
        if (!gradients[0].defined()) {
            return result;
        }
        std::vector<at::Tensor> inputs;
        std::vector<Handle> handles;
        for (auto& saved : saved_) {
            const auto value = saved.unpack();  // refuses a second backward pass
            inputs.push_back(value.variable_data());
            inputs.back().set_requires_grad(value.requires_grad());
        }
        at::Tensor output;
        {
            const at::AutoGradMode recording(true);
            const Within within(surroundings_, devices_);
            for (const auto& input : inputs) {
                // The callee's to free. Not the leaf itself: autocast would share the 16-bit copy of a leaf, and its
                // gradient would be summed in 16 bit.
                handles.push_back(wrap(input.requires_grad() ? at::alias(input) : input));
            }
            void* exception = nullptr;
            Handle computed = recompute_(context_->get(), handles.data(), &exception);
            if (computed == nullptr) {
                throw ManagedException(exception, release_);
            }
            output = std::move(*computed);
            live_tensors.fetch_sub(1, std::memory_order_relaxed);
            delete computed;
        }
        // What is computed again without need of a gradient has none to give.
        if (output.requires_grad()) {
            torch::autograd::backward({output}, {gradients[0]});
        }
        for (size_t i = 0; i < inputs.size(); i++) {
            result[i] = inputs[i].grad();
        }
        return result;
    }

    void release_variables() override {
        for (auto& saved : saved_) {
            saved.reset_data();
        }
        context_.reset();
    }

private:
    std::vector<torch::autograd::SavedVariable> saved_;
    Surroundings surroundings_;
    std::vector<at::Device> devices_;
    Recompute recompute_;
    void (*release_)(void*);
    std::unique_ptr<ManagedObject> context_;
};

std::vector<at::Device> devices_of(const at::Tensor* const* inputs, int32_t count) {
    std::vector<at::Device> devices{at::Device(at::kCPU)};
    for (int32_t i = 0; i < count; i++) {
        const auto device = inputs[i]->device();
        if (!device.is_cpu() && std::find(devices.begin(), devices.end(), device) == devices.end()) {
            devices.push_back(device);
        }
    }
    return devices;
}

}  // namespace

// The state that a computation begins with; to be taken before it, and freed by understudy_checkpoint or ..._forget.
UNDERSTUDY_API void* understudy_checkpoint_begin(const at::Tensor* const* inputs, int32_t count) {
    try {
        return new Surroundings(Surroundings::of(devices_of(inputs, count)));
    } catch (const std::exception& error) {
        set_error(error);
        return nullptr;
    }
}

UNDERSTUDY_API void understudy_checkpoint_forget(void* surroundings) { delete static_cast<Surroundings*>(surroundings); }

// The same numbers as `output`, with a gradient that is found by computing it again from the inputs: recompute(context,
// inputs, &exception) gets detached copies to free and gives an output to free, or nullptr and the handle of a .NET
// exception. release(handle) frees context, and an exception that nobody takes. Takes the surroundings and the context.
UNDERSTUDY_API Handle understudy_checkpoint(ConstHandle output, const at::Tensor* const* inputs, int32_t count,
                                            void* surroundings, Recompute recompute, void (*release)(void*),
                                            void* context) {
    const std::unique_ptr<Surroundings> begun(static_cast<Surroundings*>(surroundings));
    auto held = std::make_unique<ManagedObject>(context, release);
    return tensor_of([&] {
        const std::shared_ptr<Checkpoint> node(
            new Checkpoint(inputs, count, std::move(*begun), devices_of(inputs, count), recompute, release, std::move(held)),
            torch::autograd::deleteNode);
        torch::autograd::edge_list edges;
        for (int32_t i = 0; i < count; i++) {
            edges.push_back(torch::autograd::impl::gradient_edge(*inputs[i]));
        }
        node->set_next_edges(std::move(edges));
        auto result = output->variable_data();
        torch::autograd::set_history(result, node);
        return result;
    });
}
