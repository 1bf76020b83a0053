namespace Understudy.Tokenization.Training;

/// <summary>A distinct word of the corpus as symbols, which merges shorten in place.</summary>
internal sealed class TrainingWord
{
    private readonly int[] ids;
    private readonly int[] lengths;
    private int count;

    public TrainingWord(int[] ids, long frequency)
    {
        this.ids = ids;
        lengths = new int[ids.Length];
        Array.Fill(lengths, 1);
        count = ids.Length;
        Frequency = frequency;
    }

    public long Frequency { get; }

    public ReadOnlySpan<int> Symbols => ids.AsSpan(0, count);

    /// <summary>
    /// Replaces every occurrence of a pair, from left to right, and tells <paramref name="changed"/> which neighbouring
    /// pairs went (-1) or came (+1). New pairs as long as <paramref name="maxTokenLength"/> or longer are not told.
    /// </summary>
    public void Merge(int left, int right, int result, int maxTokenLength, Action<int, int, int> changed)
    {
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            if (ids[i] != left || i + 1 >= count || ids[i + 1] != right)
            {
                (ids[kept], lengths[kept]) = (ids[i], lengths[i]);
                kept++;
                continue;
            }
            var length = lengths[i] + lengths[i + 1];
            if (kept > 0)
            {
                changed(ids[kept - 1], left, -1);
                if (lengths[kept - 1] + length < maxTokenLength) changed(ids[kept - 1], result, 1);
            }
            if (i + 2 < count)
            {
                changed(right, ids[i + 2], -1);
                if (lengths[i + 2] + length < maxTokenLength) changed(result, ids[i + 2], 1);
            }
            (ids[kept], lengths[kept]) = (result, length);
            kept++;
            i++;
        }
        count = kept;
    }
}
