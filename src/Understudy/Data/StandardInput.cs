using Microsoft.Win32.SafeHandles;

namespace Understudy.Data;

/// <summary>Standard input as a data file.</summary>
internal static class StandardInput
{
    /// <summary>The path that stands for it; rows without an id are called <c>stdin:1</c>, <c>stdin:2</c>, ...</summary>
    public const string Path = "/dev/stdin";

    /// <summary>Whether it comes as somebody writes it, from a pipe or a terminal, instead of lying there as a whole.</summary>
    public static bool IsPipe
    {
        get
        {
            try
            {
                using var stream = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, 1);
                return !stream.CanSeek;
            }
            catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
            {
                return true;
            }
        }
    }
}
