namespace Understudy.Torch;

/// <content>Memory that is kept for later tensors.</content>
public static partial class torch
{
    /// <summary>Gives the system back what is kept of freed tensors on the CPU. For the end of a piece of work: what comes next would have to wait for new memory, and a model that is gone does not stand beside it.</summary>
    public static void empty_cache() => Native.understudy_empty_cache();
}
