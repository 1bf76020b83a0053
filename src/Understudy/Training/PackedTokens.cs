using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Documents joined into one stream, each ended by a token, and cut into rows of equal length: nothing is padded in language-model pre-training.</summary>
/// <remarks>A row may hold the end of one document and the beginning of the next; a token sees what is before it in the row, as in GPT-NeoX's own training.</remarks>
public sealed class PackedTokens
{
    private const string TensorName = "tokens";
    private readonly int[] tokens;

    /// <summary>Packs a stream.</summary>
    /// <param name="tokens">Ids of all documents, in order, each followed by the end token.</param>
    /// <param name="rowLength">Tokens of a row, at least 2.</param>
    /// <exception cref="ArgumentException">Not enough for one row.</exception>
    public PackedTokens(int[] tokens, int rowLength)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowLength, 2);
        if (tokens.Length < rowLength)
        {
            throw new ArgumentException($"The text has {tokens.Length} tokens, fewer than one row of {rowLength}. Give more text, or a smaller max_length.", nameof(tokens));
        }

        this.tokens = tokens;
        RowLength = rowLength;
    }

    /// <summary>Tokens of a row.</summary>
    public int RowLength { get; }

    /// <summary>Number of rows; what is left over at the end of the stream is not used.</summary>
    public int Rows => tokens.Length / RowLength;

    /// <summary>Tokens of the stream.</summary>
    public int Count => tokens.Length;

    /// <summary>A batch of rows: nothing of it is padding.</summary>
    /// <param name="rows">Numbers of rows.</param>
    public TokenLayout Batch(IEnumerable<int> rows) => TokenLayout.Of([.. rows.Select(row => tokens[(row * RowLength)..((row + 1) * RowLength)])], 0);

    /// <summary>The batches of a step, each token but a row's first being a target.</summary>
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
    /// <exception cref="InvalidDataException">Another file.</exception>
    public static PackedTokens Load(string path, int rowLength)
    {
        using var scope = torch.NewDisposeScope();
        using var file = SafeTensorsFile.Open(path);
        return file.TryGet(TensorName, out var entry) && entry.DType == SafeTensorsDType.I32
            ? new PackedTokens(MappedTensors.View(new CheckpointTensor(file, entry)).ToArray<int>(), rowLength)
            : throw new InvalidDataException($"{path} holds no int32 tensor '{TensorName}'. Remove it; it is made again.");
    }
}
