namespace Understudy.Torch;

/// <summary>The constants of a scope that a computation needs again after the scope's end. It may be let go of on any thread.</summary>
/// <remarks>Tensors that belong to a graph are not kept: the graph may hold this lease, and neither would ever be freed.</remarks>
internal sealed class ScopeLease : IDisposable
{
    private readonly Lock access = new();
    private readonly List<Tensor> kept = [];
    private int holders;

    /// <summary>One more holder.</summary>
    /// <returns>This lease.</returns>
    internal ScopeLease Hold()
    {
        lock (access)
        {
            holders++;
        }

        return this;
    }

    /// <summary>Takes a tensor over from the scope that ends, when somebody still needs it.</summary>
    internal bool Keeps(Tensor tensor)
    {
        lock (access)
        {
            if (holders == 0 || tensor.requires_grad)
            {
                return false;
            }

            kept.Add(tensor);
            return true;
        }
    }

    /// <summary>One holder less; with the last one the tensors are freed.</summary>
    public void Dispose()
    {
        lock (access)
        {
            if (--holders > 0)
            {
                return;
            }

            kept.ForEach(tensor => tensor.Dispose());
            kept.Clear();
        }
    }
}
