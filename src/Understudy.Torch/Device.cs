namespace Understudy.Torch;

/// <summary>Kind of device; the numbers are libtorch's own.</summary>
public enum DeviceType
{
    /// <summary>The processor.</summary>
    CPU = 0,

    /// <summary>An NVIDIA GPU.</summary>
    CUDA = 1,
}

/// <summary>Where a tensor lives: <c>cpu</c> or <c>cuda:N</c>.</summary>
/// <param name="type">Kind of device.</param>
/// <param name="index">Number of the GPU, from 0; -1 for the CPU.</param>
public sealed record Device(DeviceType type, int index)
{
    /// <summary>The processor.</summary>
    public static Device CPU { get; } = new(DeviceType.CPU, -1);

    /// <summary>Reads <c>cpu</c>, <c>cuda</c> (= <c>cuda:0</c>) or <c>cuda:N</c>.</summary>
    /// <exception cref="ArgumentException">Another text, or a GPU that this libtorch does not see.</exception>
    public static Device Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "cpu")
        {
            return CPU;
        }

        var number = text == "cuda" ? "0" : text.StartsWith("cuda:", StringComparison.Ordinal) ? text[5..] : "";
        if (!int.TryParse(number, System.Globalization.NumberStyles.None, null, out var index))
        {
            throw new ArgumentException($"Device '{text}' is not known: expected 'cpu', 'cuda' or 'cuda:N'.", nameof(text));
        }

        var found = torch.cuda.device_count();
        return index < found
            ? new Device(DeviceType.CUDA, index)
            : throw new ArgumentException($"Device '{text}' was asked for, but libtorch {torch.__version__} sees {found} CUDA device(s). Use 'cpu', or build against a CUDA libtorch: LIBTORCH=/path/to/libtorch ./understudy ...", nameof(text));
    }

    /// <inheritdoc/>
    public override string ToString() => type == DeviceType.CPU ? "cpu" : $"cuda:{index}";
}
