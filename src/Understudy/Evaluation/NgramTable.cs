namespace Understudy.Evaluation;

/// <summary>Values by runs of at most 7 bytes: open addressing, which takes a third of the memory of a dictionary of as many.</summary>
/// <param name="most">The most runs that it takes; further ones are not taken up. At least 1.</param>
internal sealed class NgramTable<TValue>(int most)
    where TValue : struct
{
    // A key is stored as one more, so that 0 is an empty place.
    private ulong[] keys = new ulong[1024];
    private TValue[] values = new TValue[1024];

    /// <summary>How many runs there are.</summary>
    public int Count { get; private set; }

    /// <summary>The runs and their values, in no particular order, but always in the same for the same additions.</summary>
    public IEnumerable<(ulong Key, TValue Value)> Entries
    {
        get
        {
            for (var i = 0; i < keys.Length; i++)
            {
                if (keys[i] != 0) yield return (keys[i] - 1, values[i]);
            }
        }
    }

    /// <summary>The value of a run, to be changed in place.</summary>
    /// <param name="key">The run, its last byte lowest.</param>
    /// <param name="found">Whether it is there; otherwise it is added with the default value.</param>
    /// <returns>A null reference for a run that is not there when the table is full.</returns>
    public ref TValue Slot(ulong key, out bool found)
    {
        var at = Place(keys, key);
        found = keys[at] != 0;
        if (found) return ref values[at];
        if (Count == most) return ref System.Runtime.CompilerServices.Unsafe.NullRef<TValue>();
        if (Count >= keys.Length / 4 * 3)
        {
            Grow();
            at = Place(keys, key);
        }

        keys[at] = key + 1;
        Count++;
        return ref values[at];
    }

    /// <summary>The value of a run; the default value for one that is not there.</summary>
    public TValue Of(ulong key) => values[Place(keys, key)];

    private static int Place(ulong[] keys, ulong key)
    {
        // Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4): text fills few of the keys' low bits evenly.
        var at = (int)((key * 0x9E3779B97F4A7C15) >> (64 - System.Numerics.BitOperations.Log2((uint)keys.Length)));
        while (keys[at] != 0 && keys[at] != key + 1) at = (at + 1) & (keys.Length - 1);
        return at;
    }

    private void Grow()
    {
        var (wider, moved) = (new ulong[keys.Length * 2], new TValue[keys.Length * 2]);
        for (var i = 0; i < keys.Length; i++)
        {
            if (keys[i] == 0) continue;
            var at = Place(wider, keys[i] - 1);
            (wider[at], moved[at]) = (keys[i], values[i]);
        }

        (keys, values) = (wider, moved);
    }
}
