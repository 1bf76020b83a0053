// The time of what runs between construction and destruction, under the name of an operation, when a profile is taken.
#pragma once

#include <atomic>

namespace understudy {

extern std::atomic<bool> profiling;

class Measured {
public:
    // operations and bytes: what the operation computes, and what it must at least read and write; 0 where unknown.
    // operation must outlive the object: a literal. Counts on the thread that takes the profile alone.
    Measured(const char* operation, double operations, double bytes)
        : open_(profiling.load(std::memory_order_relaxed) && begin(operation, operations, bytes)) {}
    ~Measured() {
        if (open_) {
            end();
        }
    }
    Measured(const Measured&) = delete;
    Measured& operator=(const Measured&) = delete;

private:
    static bool begin(const char* operation, double operations, double bytes) noexcept;
    static void end() noexcept;

    bool open_;
};

}  // namespace understudy
