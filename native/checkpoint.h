// A .NET exception on its way through libtorch's engine.
#pragma once

#include <exception>
#include <memory>
#include <utility>

namespace understudy {

// libtorch copies exceptions: the handle is shared, and freed with the last copy unless somebody took it.
class ManagedException final : public std::exception {
public:
    ManagedException(void* handle, void (*release)(void*)) : held_(std::make_shared<Held>(handle, release)) {}
    const char* what() const noexcept override { return "the computation that a gradient needs again failed"; }
    void* take() const noexcept { return std::exchange(held_->handle, nullptr); }

private:
    struct Held {
        Held(void* given, void (*free)(void*)) : handle(given), release(free) {}
        ~Held() {
            if (handle != nullptr) {
                release(handle);
            }
        }
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        void* handle;
        void (*release)(void*);
    };
    std::shared_ptr<Held> held_;
};

}  // namespace understudy
