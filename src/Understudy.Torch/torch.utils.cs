using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Understudy.Torch;

public static partial class torch
{
    /// <summary>What trades time for memory.</summary>
    public static class utils
    {
        /// <summary>A function's value, of which the graph keeps the input alone: what is inside is computed again for the gradient (Chen et al., arXiv 1604.06174). Gradients are the same.</summary>
        /// <param name="function">A function of the input and of constants; leaves that it uses, such as weights, get their gradients as well.</param>
        /// <param name="input">The input, with or without a gradient.</param>
        /// <returns>The value; outside of recording simply that of the function.</returns>
        /// <remarks>
        /// The second time, <see cref="autocast"/> and the random numbers are as in the first, and then again as they were. Constants that the function captures may belong to the scope that is
        /// innermost here: they outlive it. Other tensors that belong to the graph must be inputs, not captured. It may be computed again on another thread. There are no second derivatives.
        /// </remarks>
        public static Tensor checkpoint(Func<Tensor, Tensor> function, Tensor input)
        {
            ArgumentNullException.ThrowIfNull(function);
            return checkpoint(inputs => function(inputs[0]), [input]);
        }

        /// <inheritdoc cref="checkpoint(Func{Tensor, Tensor}, Tensor)"/>
        /// <param name="function">A function of the inputs and of constants; leaves that it uses, such as weights, get their gradients as well.</param>
        /// <param name="inputs">All tensors of the graph that the function reads.</param>
        public static unsafe Tensor checkpoint(Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<Tensor> inputs)
        {
            ArgumentNullException.ThrowIfNull(function);
            ArgumentNullException.ThrowIfNull(inputs);
            if (Native.understudy_is_grad_enabled() == 0)
            {
                using var plain = NewDisposeScope();
                return plain.MoveToOuter(function(inputs));
            }

            var pointers = Pointers(inputs);
            var lease = DisposeScope.Hold();
            nint surroundings = 0;
            try
            {
                surroundings = Native.understudy_checkpoint_begin(pointers, inputs.Count);
                if (surroundings == 0)
                {
                    throw Native.Failure();
                }

                using var scope = NewDisposeScope();
                // Recorded, and the record thrown away: the kernels are those of a training, and it shows whether there is a gradient at all.
                var output = function(inputs);
                if (!output.requires_grad)
                {
                    return scope.MoveToOuter(output);
                }

                var context = GCHandle.Alloc(new Recomputation(function, inputs.Count, lease));
                var begun = surroundings;
                (lease, surroundings) = (null, 0);
                var result = new Tensor(Native.understudy_checkpoint(
                    output.Handle, pointers, inputs.Count, begun, (nint)(delegate* unmanaged[Cdecl]<nint, nint*, nint*, nint>)&Recompute, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Tensor.ReleaseOwner, GCHandle.ToIntPtr(context)));
                GC.KeepAlive(inputs);
                return scope.MoveToOuter(result);
            }
            finally
            {
                lease?.Dispose();
                Native.understudy_checkpoint_forget(surroundings);
            }
        }

        // On the thread of the backward pass. Inputs and output change hands; nothing may be thrown through native code.
        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static unsafe nint Recompute(nint context, nint* inputs, nint* exception)
        {
            try
            {
                var computation = (Recomputation)GCHandle.FromIntPtr(context).Target!;
                using var scope = NewDisposeScope();
                var given = new Tensor[computation.Inputs];
                for (var i = 0; i < given.Length; i++)
                {
                    given[i] = new Tensor(new TensorHandle(inputs[i]));
                }

                var output = Native.understudy_alias(computation.Function(given).Handle);
                var pointer = output.DangerousGetHandle();
                output.SetHandleAsInvalid();
                return pointer;
            }
            catch (Exception error)
            {
                *exception = GCHandle.ToIntPtr(GCHandle.Alloc(ExceptionDispatchInfo.Capture(error)));
                return 0;
            }
        }

        private sealed record Recomputation(Func<IReadOnlyList<Tensor>, Tensor> Function, int Inputs, ScopeLease? Lease) : IDisposable
        {
            public void Dispose() => Lease?.Dispose();
        }
    }
}
