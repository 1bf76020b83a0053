namespace Understudy.Torch;

/// <summary>Frees every tensor that was created on this thread while it was the innermost scope and was not moved out of it.</summary>
/// <remarks>
/// Scopes are nested and thread-static: open and dispose one on the same thread and never hold one across an <c>await</c>.
/// Without a scope a tensor lives until it is disposed or finalised.
/// </remarks>
public sealed class DisposeScope : IDisposable
{
    [ThreadStatic]
    private static DisposeScope? current;

    private readonly List<Tensor> tensors = [];
    private readonly int thread = Environment.CurrentManagedThreadId;
    private readonly DisposeScope? outer;
    private ScopeLease? lease;
    private bool disposed;

    internal DisposeScope()
    {
        outer = current;
        current = this;
    }

    /// <summary>How many tensors this scope would free now.</summary>
    public int DisposablesCount => tensors.Count;

    internal static void Register(Tensor tensor) => current?.Add(tensor);

    /// <summary>Keeps the constants of the innermost scope beyond its end, until <see cref="ScopeLease.Dispose"/>; null when there is no scope.</summary>
    internal static ScopeLease? Hold() => current is null ? null : (current.lease ??= new ScopeLease()).Hold();

    /// <summary>Keeps a tensor of this scope alive: it belongs to the next outer scope from now on, or to nobody when there is none.</summary>
    /// <returns>The same tensor.</returns>
    public Tensor MoveToOuter(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Detach(tensor);
        outer?.Add(tensor);
        return tensor;
    }

    /// <summary>Keeps tensors of this scope alive: they belong to the next outer scope from now on.</summary>
    public void MoveToOuter(params IEnumerable<Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (var tensor in tensors)
        {
            MoveToOuter(tensor);
        }
    }

    /// <summary>Takes a tensor out of every scope: it lives until it is disposed.</summary>
    /// <returns>The same tensor.</returns>
    public static Tensor Detach(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        tensor.Scope?.Remove(tensor);
        return tensor;
    }

    internal static Tensor MoveOut(Tensor tensor) =>
        tensor.Scope is { } scope ? scope.MoveToOuter(tensor) : tensor;

    /// <summary>Frees the tensors of this scope and makes the outer one current again.</summary>
    /// <exception cref="InvalidOperationException">Called on another thread, or while an inner scope is open.</exception>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        if (thread != Environment.CurrentManagedThreadId || current != this)
        {
            throw new InvalidOperationException("A dispose scope must be disposed on the thread that opened it, after every scope inside it. Use 'using var scope = torch.NewDisposeScope();' and do not await inside it.");
        }

        disposed = true;
        current = outer;
        for (var i = tensors.Count - 1; i >= 0; i--)
        {
            var tensor = tensors[i];
            tensor.Scope = null;
            if (lease?.Keeps(tensor) != true)
            {
                tensor.Dispose();
            }
        }

        tensors.Clear();
    }

    private void Add(Tensor tensor)
    {
        tensor.Scope = this;
        tensor.ScopeIndex = tensors.Count;
        tensors.Add(tensor);
    }

    internal void Remove(Tensor tensor)
    {
        // The last one takes the free place, so that leaving a scope costs the same however many it holds.
        var last = tensors[^1];
        tensors[tensor.ScopeIndex] = last;
        last.ScopeIndex = tensor.ScopeIndex;
        tensors.RemoveAt(tensors.Count - 1);
        tensor.Scope = null;
    }
}
