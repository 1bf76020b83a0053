namespace Understudy.Torch;

/// <summary>libtorch refused an operation. <see cref="Exception.Message"/> is libtorch's own text, without its C++ stack.</summary>
public sealed class TorchException : Exception
{
    /// <summary>A failure of libtorch.</summary>
    /// <param name="message">What libtorch said.</param>
    /// <param name="details">The same with its C++ stack, for <c>--verbose</c>.</param>
    public TorchException(string message, string details)
        : base(message.TrimEnd())
    {
        Details = details;
    }

    /// <summary>libtorch's message with its C++ stack, where it gave one.</summary>
    public string Details { get; }
}
