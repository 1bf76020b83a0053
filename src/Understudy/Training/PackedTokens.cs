using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Documents joined into one stream and cut into rows of equal length: a batch of language-model pre-training always holds as much text.</summary>
/// <remarks>With a separator no token need see another document than its own: <see cref="Pieces"/> cuts the rows where documents begin.</remarks>
public sealed class PackedTokens
{
    private const string TensorName = "tokens";
    private readonly int[] tokens;
    private readonly int? separator;

    /// <summary>Packs a stream.</summary>
    /// <param name="tokens">Ids of all documents, in order, with the separator before the first and after each.</param>
    /// <param name="rowLength">Tokens of a row, at least 2.</param>
    /// <param name="separator">The token between documents; null when the stream is one document.</param>
    /// <exception cref="ArgumentException">Not enough for one row.</exception>
    public PackedTokens(int[] tokens, int rowLength, int? separator = null)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowLength, 2);
        if (tokens.Length < (separator is null ? rowLength : 2))
        {
            throw new ArgumentException(separator is null
                ? $"The text has {tokens.Length} tokens, fewer than one row of {rowLength}. Give more text, or a smaller max_length."
                : $"The text has {tokens.Length} tokens; expected at least one beside the separator. Give more text.", nameof(tokens));
        }

        this.tokens = tokens;
        this.separator = separator;
        RowLength = rowLength;
    }

    /// <summary>Tokens of a row.</summary>
    public int RowLength { get; }

    /// <summary>Number of rows; what is left over at the end of the stream is not used. A stream of documents shorter than a row is one.</summary>
    public int Rows => Math.Max(1, tokens.Length / RowLength);

    /// <summary>Tokens of the stream.</summary>
    public int Count => tokens.Length;

    /// <summary>
    /// The pieces of documents that rows hold. Each begins with the separator, or goes on where the one before was cut, and ends with one token
    /// more than its row holds of it, which is the last token's target: the separator, or the first of the next piece.
    /// </summary>
    /// <param name="rows">Numbers of rows.</param>
    /// <param name="longest">The most tokens of a piece, its last not counted; at least 2.</param>
    public IReadOnlyList<int[]> Pieces(IEnumerable<int> rows, int longest)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 2);
        var pieces = new List<int[]>();
        foreach (var row in rows)
        {
            var end = Math.Min((row + 1) * RowLength, tokens.Length);
            for (int start = row * RowLength, next; start < end; start = next)
            {
                next = Math.Min(end, start + longest);
                if (separator is { } mark && tokens.AsSpan((start + 1)..next).IndexOf(mark) is >= 0 and var found) next = start + 1 + found;
                var last = Math.Min(next + 1, tokens.Length);
                // A lone separator at the end of the stream has nothing to predict.
                if (last - start > 1) pieces.Add(tokens[start..last]);
            }
        }

        return pieces;
    }

    /// <summary>A batch of whole rows: nothing of it is padding.</summary>
    /// <param name="rows">Numbers of rows.</param>
    public TokenLayout Batch(IEnumerable<int> rows) => TokenLayout.Of([.. rows.Select(row => tokens[(row * RowLength)..((row + 1) * RowLength)])], 0);

    /// <summary>The batches of a step of whole rows, each token but a row's first being a target.</summary>
    public StepBatches<TokenLayout> Step(StepRows step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var rows = step.Batches.Sum(batch => (long)batch.Length);
        return new StepBatches<TokenLayout>([.. step.Batches.Select(Batch)], rows * (double)(RowLength - 1), rows * RowLength, step.StepsInEpoch);
    }

    /// <summary>Writes the stream, so that a continued run need not tokenize again.</summary>
    public void Save(string path)
    {
        using var scope = torch.NewDisposeScope();
        WeightFile.Write(path, [new NamedParameter(TensorName, torch.tensor(tokens))]);
    }

    /// <summary>Reads a stream that <see cref="Save"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rowLength">Tokens of a row, at least 2.</param>
    /// <param name="separator">The token between documents; null when the stream is one document.</param>
    /// <param name="mayBeShort">Whether a stream that does not fill a row is one row, as long as it is.</param>
    /// <exception cref="ArgumentException">Not enough for one row.</exception>
    /// <exception cref="InvalidDataException">Another file.</exception>
    public static PackedTokens Load(string path, int rowLength, int? separator = null, bool mayBeShort = false)
    {
        using var scope = torch.NewDisposeScope();
        using var file = SafeTensorsFile.Open(path);
        if (!file.TryGet(TensorName, out var entry) || entry.DType != SafeTensorsDType.I32)
        {
            throw new InvalidDataException($"{path} holds no int32 tensor '{TensorName}'. Remove it; it is made again.");
        }

        var tokens = MappedTensors.View(new CheckpointTensor(file, entry)).ToArray<int>();
        return new PackedTokens(tokens, mayBeShort ? Math.Min(rowLength, tokens.Length) : rowLength, separator);
    }
}
