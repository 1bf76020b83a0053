using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>Where the heads of one token lie in what a layer made of it, and what is done to them. Mirrors <c>NativeHeads</c> of native/inference/step_abi.cpp.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct HeadLayout
{
    /// <summary>A layout in which queries, keys or values are missing where their place is -1.</summary>
    public HeadLayout()
    {
    }

    /// <summary>Heads of the queries.</summary>
    public required long Heads { get; init; }

    /// <summary>Heads of keys and values; <see cref="Heads"/> is a multiple.</summary>
    public required long KeyHeads { get; init; }

    /// <summary>Numbers of a head.</summary>
    public required long Dim { get; init; }

    /// <summary>Where the first head's query begins; -1 for none.</summary>
    public long QueryAt { get; init; } = -1;

    /// <summary>Numbers from one head's query to the next.</summary>
    public long QueryStep { get; init; }

    /// <summary>Where the first head's key begins; -1 for none.</summary>
    public long KeyAt { get; init; } = -1;

    /// <summary>Numbers from one head's key to the next.</summary>
    public long KeyStep { get; init; }

    /// <summary>Where the first head's value begins; -1 for none.</summary>
    public long ValueAt { get; init; } = -1;

    /// <summary>Numbers from one head's value to the next.</summary>
    public long ValueStep { get; init; }

    /// <summary>The layer of the cache that keys and values go to.</summary>
    public long Layer { get; init; }

    /// <summary>Added to the mean square where heads are normalised.</summary>
    public double Eps { get; init; }

    /// <summary>Factor on the queries.</summary>
    /// <value>The default value is 1.</value>
    public double QueryScale { get; init; } = 1;

    /// <summary>1 where keys and values go to the pages of the row's source rather than its own.</summary>
    public int OfSource { get; init; }
}
